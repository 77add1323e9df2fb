//! From the points of a sweep to checked runs.

use std::collections::BTreeMap;

use figment::value::Value;

use super::Error;
use super::diagnostic::Diagnostic;
use super::key::{self, KeyPath};
use super::locate::{diagnostics, located, on_axis};
use super::origin::{Origin, Part};
use super::problem::Problem;
use super::read::read;
use super::run::{AxisValue, Run};
use super::sweep::{self, Axis};
use super::tree;
use super::types::{Spec, Sweep};
use super::validate::{self, validate};
use crate::search::Point;

/// Makes the runs of an experiment from its axes.
#[derive(Clone, Debug)]
pub(super) struct Expansion {
    /// The merged overlays without the sweep.
    base: Value,
    pub axes: Vec<Axis>,
    /// The base as it was read, where it can be read without the sweep.
    typed: Option<Spec>,
    /// Each value of each axis as the spec has it: a number is what its key takes, however it was written.
    values: Vec<Vec<AxisValue>>,
    /// Epochs of a run; the fewest, where an axis changes them.
    pub epochs: usize,
    /// Whether an axis changes them.
    pub epochs_differ: bool,
}

impl Expansion {
    /// Checks each value of each axis on its own.
    ///
    /// # Errors
    /// Every mistake in them.
    pub(super) fn new(
        origin: &Origin,
        base: Value,
        axes: Vec<Axis>,
        typed: Option<Spec>,
    ) -> Result<Self, Error> {
        let epochs = typed.as_ref().map_or(usize::MAX, Spec::epochs);
        let mut expansion = Expansion {
            base,
            values: Vec::new(),
            typed,
            epochs,
            epochs_differ: false,
            axes,
        };
        let mut wrong = Vec::new();
        let mut most = 0;
        for at in 0..expansion.axes.len() {
            let mut of_axis = Vec::new();
            for index in 0..expansion.axes[at].values.len() {
                match expansion.spec(origin, &[(at, index)]) {
                    Ok(spec) => {
                        wrong.extend(expansion.end_mistakes(origin, &spec, (at, index)));
                        expansion.epochs = expansion.epochs.min(spec.epochs());
                        most = most.max(spec.epochs());
                        of_axis.push(expansion.typed(&spec, (at, index)));
                    }
                    Err(mistakes) => wrong.extend(mistakes),
                }
            }
            expansion.values.push(of_axis);
        }
        expansion.epochs_differ = most > expansion.epochs;
        match wrong.is_empty() {
            true => Ok(expansion),
            false => Err(wrong.into()),
        }
    }

    /// What is wrong with the end of a range, whatever else a run has.
    fn end_mistakes(
        &self,
        origin: &Origin,
        spec: &Spec,
        (at, index): (usize, usize),
    ) -> Vec<Diagnostic> {
        let axis = &self.axes[at];
        if axis.range.is_none() {
            return Vec::new();
        }
        let is_here =
            |problem: &Problem| key::parse(&problem.key).is_ok_and(|key| key == axis.path);
        let problems = validate(spec).into_iter().filter(is_here);
        problems
            .map(|problem| located(origin, &self.places(&[(at, index)]), &problem))
            .collect()
    }

    /// Adds the runs at these points, checked.
    ///
    /// # Errors
    /// Every mistake in them; then nothing is added.
    pub(super) fn add(
        &mut self,
        origin: &Origin,
        sweep: &Sweep,
        points: &[Point],
        runs: &mut Vec<Run>,
    ) -> Result<(), Error> {
        let known = runs.len();
        let added = points.iter().try_for_each(|point| {
            let places = self.places_of(origin, point)?;
            runs.push(self.run(origin, places)?);
            Ok(())
        });
        let added = added.map_err(|mistakes: Vec<Diagnostic>| mistakes.into());
        let checked = added.and_then(|()| {
            self.check_runs(origin, sweep, runs, known)?;
            self.check_ids(origin, runs)
        });
        checked.inspect_err(|_| runs.truncate(known))
    }

    /// For each axis the index of a point's value, which is added where it is new.
    fn places_of(&mut self, origin: &Origin, point: &Point) -> Result<Vec<usize>, Vec<Diagnostic>> {
        let mut places = Vec::with_capacity(point.len());
        for (at, place) in point.iter().enumerate() {
            let index = self.axes[at].index(*place);
            if index >= self.values[at].len() {
                let spec = self.spec(origin, &[(at, index)])?;
                let value = self.typed(&spec, (at, index));
                self.values[at].push(value);
            }
            places.push(index);
        }
        Ok(places)
    }

    /// A value of an axis as the spec that was read from it has it; a table or list as it is written.
    fn typed(&self, spec: &Spec, (at, index): (usize, usize)) -> AxisValue {
        let axis = &self.axes[at];
        let spec = serde_json::to_value(spec).unwrap_or_default();
        let value = AxisValue::in_spec(&spec, &axis.path);
        value.unwrap_or_else(|| sweep::axis_value(&axis.values[index]))
    }

    /// The spec with some axes set: (axis, index of the value).
    fn spec(&self, origin: &Origin, point: &[(usize, usize)]) -> Result<Spec, Vec<Diagnostic>> {
        match self.quick_spec(point) {
            Some(spec) => Ok(spec),
            None => self.read_spec(origin, point),
        }
    }

    /// [`Self::read_spec`] by reading again only the tables that the axes change; none where that does not go.
    fn quick_spec(&self, point: &[(usize, usize)]) -> Option<Spec> {
        let mut spec = self.typed.clone()?;
        let mut done: Vec<&String> = Vec::new();
        for (at, _) in point {
            let table = self.axes[*at].path.first()?;
            if done.contains(&table) {
                continue;
            }
            done.push(table);
            let at = std::slice::from_ref(table);
            let mut value = tree::get(&self.base, at).cloned();
            for (at, index) in point
                .iter()
                .filter(|(at, _)| self.axes[*at].path[0] == *table)
            {
                let (axis, below) = (&self.axes[*at], &self.axes[*at].path[1..]);
                let new = axis.values[*index].clone();
                match &mut value {
                    Some(value) => tree::assign(value, below, new).ok()?,
                    None => {
                        let mut table = Value::from(figment::value::Dict::new());
                        tree::assign(&mut table, below, new).ok()?;
                        value = Some(table);
                    }
                }
            }
            spec.put(table, &value?)?;
        }
        spec.fill(&|_| false);
        Some(spec)
    }

    /// The spec with some axes set, or every mistake in it.
    fn read_spec(
        &self,
        origin: &Origin,
        point: &[(usize, usize)],
    ) -> Result<Spec, Vec<Diagnostic>> {
        let mut values = self.base.clone();
        for (at, index) in point {
            let axis = &self.axes[*at];
            let value = axis.values[*index].clone();
            tree::assign(&mut values, &axis.path, value).map_err(|unassignable| {
                let place = origin.locate(&key::path(&["sweep", "axes", &axis.name]), Part::Key);
                let (message, help) = unassignable.explain();
                vec![Diagnostic::new(place, message).help(help)]
            })?;
        }
        let places = self.places(point);
        let locate = |path: &[String], part| {
            let on_axis = on_axis(path, &places);
            origin.locate(on_axis.as_deref().unwrap_or(path), part)
        };
        let mut spec: Spec = read(values).map_err(|mistakes| diagnostics(&mistakes, &locate))?;
        spec.fill(&|_| false);
        Ok(spec)
    }

    fn places(&self, point: &[(usize, usize)]) -> Vec<(KeyPath, KeyPath)> {
        point
            .iter()
            .map(|(at, index)| {
                let axis = &self.axes[*at];
                (axis.path.clone(), axis.place(*index))
            })
            .collect()
    }

    fn run(&self, origin: &Origin, places: Vec<usize>) -> Result<Run, Vec<Diagnostic>> {
        let point: Vec<(usize, usize)> = places.iter().copied().enumerate().collect();
        let spec = self.spec(origin, &point)?;
        let value = |(at, index): &(usize, usize)| {
            let value = self.values.get(*at)?.get(*index)?;
            Some((self.axes[*at].name.clone(), value.clone()))
        };
        let mut run = Run::new(point.iter().filter_map(value).collect(), spec);
        run.places = places;
        Ok(run)
    }

    /// Validates the runs from one on; a mistake that several of them share is shown once.
    fn check_runs(
        &self,
        origin: &Origin,
        sweep: &Sweep,
        all: &[Run],
        from: usize,
    ) -> Result<(), Error> {
        let runs = &all[from..];
        let mut found: Vec<Found> = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (at, run) in runs.iter().enumerate() {
            let problems = validate(&run.spec).into_iter();
            for problem in problems.chain(validate::watched(sweep, &run.spec)) {
                let point: Vec<_> = run.places.iter().copied().enumerate().collect();
                let diagnostic = located(origin, &self.places(&point), &problem);
                let index = *seen.entry(diagnostic.to_string()).or_insert(found.len());
                if index == found.len() {
                    found.push(Found {
                        diagnostic,
                        runs: vec![at],
                        alike: self.runs_alike(&problem, run, runs),
                    });
                } else if found[index].runs.last() != Some(&at) {
                    found[index].runs.push(at);
                }
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let diagnostics: Vec<Diagnostic> = found.into_iter().map(|f| f.noted(runs)).collect();
        Err(diagnostics.into())
    }

    /// How many runs have the same value at the problem's key as one of them.
    fn runs_alike(&self, problem: &Problem, run: &Run, runs: &[Run]) -> usize {
        let path = key::parse(&problem.key).unwrap_or_default();
        let is_here = |axis: &Axis| key::below(&path, &axis.path).is_some();
        match self.axes.iter().position(is_here) {
            Some(axis) => {
                let is_alike = |other: &&Run| other.places[axis] == run.places[axis];
                runs.iter().filter(is_alike).count()
            }
            None => runs.len(),
        }
    }

    /// Refuses two runs that differ in nothing.
    fn check_ids(&self, origin: &Origin, runs: &[Run]) -> Result<(), Error> {
        let mut seen: BTreeMap<&str, &Run> = BTreeMap::new();
        for run in runs {
            let Some(earlier) = seen.insert(&run.fingerprint, run) else {
                continue;
            };
            let (one, other) = (&earlier.places, &run.places);
            let axis = (0..self.axes.len()).find(|axis| one[*axis] != other[*axis]);
            let path = axis.map_or_else(
                || key::path(&["sweep", "axes"]),
                |axis| self.axes[axis].place(other[axis]),
            );
            let message = format!("two runs of the sweep are the same: {}", run.id);
            let place = origin.locate(&path, Part::Value);
            let help = "this value means the same as an earlier one; remove it";
            return Err(Diagnostic::new(place, message).help(help).into());
        }
        Ok(())
    }
}

/// A mistake that validation found in some runs.
struct Found {
    diagnostic: Diagnostic,
    /// The runs it was found in, by their index; at least one.
    runs: Vec<usize>,
    /// How many runs have the same value there.
    alike: usize,
}

impl Found {
    /// The diagnostic, with the runs it was found in unless all alike have it.
    fn noted(self, runs: &[Run]) -> Diagnostic {
        match self.runs.as_slice() {
            found if found.len() == self.alike => self.diagnostic,
            [] => self.diagnostic,
            [only] => self
                .diagnostic
                .note(format!("in the run {}", runs[*only].id)),
            [first, ..] => {
                let (count, first) = (self.runs.len(), &runs[*first].id);
                self.diagnostic
                    .note(format!("in {count} runs, the first is {first}"))
            }
        }
    }
}
