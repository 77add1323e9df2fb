//! From the points of a sweep to checked runs.

use std::collections::BTreeMap;

use figment::value::Value;

use super::Error;
use super::diagnostic::Diagnostic;
use super::experiment::{AxisValue, Problem, Run};
use super::key::{self, KeyPath};
use super::locate::{diagnostics, located, on_axis};
use super::origin::{Origin, Part};
use super::read::read;
use super::sweep::{self, Axis};
use super::tree;
use super::types::{Spec, Sweep};
use super::validate::validate;

/// Makes the runs of an experiment from its axes.
pub(super) struct Expansion<'a> {
    pub origin: &'a Origin,
    /// The merged overlays without the sweep.
    pub base: &'a Value,
    pub axes: &'a [Axis],
    /// The base as it was read, where it can be read without the sweep.
    pub typed: Option<Spec>,
}

impl Expansion<'_> {
    /// Every run, checked.
    ///
    /// # Errors
    /// Every mistake in the values of the axes, or else in the runs.
    pub(super) fn runs(&self, sweep: &Sweep, seed: u64) -> Result<Vec<Run>, Error> {
        let values = self.check_values()?;
        let lengths: Vec<usize> = self.axes.iter().map(|axis| axis.values.len()).collect();
        let points = sweep::points(sweep, &lengths, seed)
            .map_err(|problem| Error::from(located(self.origin, &[], &problem)))?;
        let runs = points
            .iter()
            .map(|point| self.run(point, &values))
            .collect::<Result<Vec<Run>, Vec<Diagnostic>>>()?;
        self.check_runs(&points, &runs)?;
        self.check_ids(&points, &runs)?;
        Ok(runs)
    }

    /// Checks each value of each axis on its own, and gives them as the spec has them: a number is what its key takes,
    /// however it was written.
    fn check_values(&self) -> Result<Vec<Vec<AxisValue>>, Error> {
        let mut wrong = Vec::new();
        let mut values = Vec::new();
        for (at, axis) in self.axes.iter().enumerate() {
            let mut of_axis = Vec::new();
            for (index, written) in axis.values.iter().enumerate() {
                match self.spec(&[(at, index)]) {
                    Ok(spec) => of_axis.push(typed(&spec, axis, written)),
                    Err(mistakes) => wrong.extend(mistakes),
                }
            }
            values.push(of_axis);
        }
        if wrong.is_empty() {
            Ok(values)
        } else {
            Err(wrong.into())
        }
    }

    /// The spec with some axes set: (axis, index of the value).
    fn spec(&self, point: &[(usize, usize)]) -> Result<Spec, Vec<Diagnostic>> {
        match self.quick_spec(point) {
            Some(spec) => Ok(spec),
            None => self.read_spec(point),
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
            let mut value = tree::get(self.base, at).cloned();
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
    fn read_spec(&self, point: &[(usize, usize)]) -> Result<Spec, Vec<Diagnostic>> {
        let mut values = self.base.clone();
        for (at, index) in point {
            let axis = &self.axes[*at];
            let value = axis.values[*index].clone();
            tree::assign(&mut values, &axis.path, value).map_err(|unassignable| {
                let place = self
                    .origin
                    .locate(&key::path(&["sweep", "axes", &axis.name]), Part::Key);
                let (message, help) = unassignable.explain();
                vec![Diagnostic::new(place, message).help(help)]
            })?;
        }
        let places = self.places(point);
        let locate = |path: &[String], part| {
            let on_axis = on_axis(path, &places);
            self.origin.locate(on_axis.as_deref().unwrap_or(path), part)
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
                (axis.path.clone(), key::axis_path(&axis.name, *index, &[]))
            })
            .collect()
    }

    fn run(&self, places: &[usize], values: &[Vec<AxisValue>]) -> Result<Run, Vec<Diagnostic>> {
        let point: Vec<(usize, usize)> = places.iter().copied().enumerate().collect();
        let spec = self.spec(&point)?;
        let value = |(at, index): &(usize, usize)| {
            let value = values.get(*at)?.get(*index)?;
            Some((self.axes[*at].name.clone(), value.clone()))
        };
        let mut run = Run::new(point.iter().filter_map(value).collect(), spec);
        run.places = places.to_vec();
        Ok(run)
    }

    /// Validates every run; a mistake that several runs share is shown once.
    fn check_runs(&self, points: &[Vec<usize>], runs: &[Run]) -> Result<(), Error> {
        let mut found: Vec<Found> = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (at, (point, run)) in points.iter().zip(runs).enumerate() {
            for problem in validate(&run.spec) {
                let places = self.places(&point.iter().copied().enumerate().collect::<Vec<_>>());
                let diagnostic = located(self.origin, &places, &problem);
                let index = *seen.entry(diagnostic.to_string()).or_insert(found.len());
                if index == found.len() {
                    found.push(Found {
                        diagnostic,
                        runs: vec![at],
                        alike: self.runs_alike(&problem, point, points),
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

    /// How many runs have the same value at the problem's key as the run at `point`.
    fn runs_alike(&self, problem: &Problem, point: &[usize], points: &[Vec<usize>]) -> usize {
        let path = key::parse(&problem.key).unwrap_or_default();
        let is_here = |axis: &Axis| key::below(&path, &axis.path).is_some();
        match self.axes.iter().position(is_here) {
            Some(axis) => points.iter().filter(|p| p[axis] == point[axis]).count(),
            None => points.len(),
        }
    }

    /// Refuses two runs that differ in nothing.
    fn check_ids(&self, points: &[Vec<usize>], runs: &[Run]) -> Result<(), Error> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, run) in runs.iter().enumerate() {
            let Some(earlier) = seen.insert(&run.fingerprint, at) else {
                continue;
            };
            let (one, other) = (&points[earlier], &points[at]);
            let axis = (0..self.axes.len()).find(|axis| one[*axis] != other[*axis]);
            let path = axis.map_or_else(
                || key::path(&["sweep", "axes"]),
                |axis| key::axis_path(&self.axes[axis].name, other[axis], &[]),
            );
            let message = format!("two runs of the sweep are the same: {}", run.id);
            let place = self.origin.locate(&path, Part::Value);
            let help = "this value means the same as an earlier one; remove it";
            return Err(Diagnostic::new(place, message).help(help).into());
        }
        Ok(())
    }
}

/// A value of an axis as the spec that was read from it has it; a table or list as it is written.
fn typed(spec: &Spec, axis: &Axis, written: &Value) -> AxisValue {
    let spec = serde_json::to_value(spec).unwrap_or_default();
    let value = AxisValue::in_spec(&spec, &axis.path);
    value.unwrap_or_else(|| sweep::axis_value(written))
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
