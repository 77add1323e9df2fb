//! From files, variables and flags to an experiment, or to every mistake in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use figment::value::Value;

use super::Error;
use super::diagnostic::Diagnostic;
use super::experiment::{Experiment, Problem, Run};
use super::explain::explain;
use super::key::{self, KeyPath};
use super::origin::{Origin, Part};
use super::place::Place;
use super::read::{Mistake, read};
use super::sweep::{self, Axis};
use super::types::{Spec, Sweep};
use super::validate::validate;
use super::{layers, run_id, tree};

/// Keys that every spec needs, and that an axis may be the only one to give.
const NEEDED: [&[&str]; 4] = [
    &["dataset"],
    &["dataset", "name"],
    &["backbone"],
    &["backbone", "arch"],
];

impl Experiment {
    /// Loads the spec file at `path` with the process's environment, and `overrides` (`KEY=VALUE`, as given to
    /// `--set`) on top.
    ///
    /// # Errors
    /// Every mistake that can be seen without opening data and weights.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, Error> {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value)));
        let folder = std::env::current_dir().map_err(|error| {
            let message = format!("the current folder cannot be used: {error}");
            Error::new(Place::File(path.to_path_buf()), message)
        })?;
        Self::load_with(path, overrides, variables, &folder)
    }

    /// [`Self::load`] with another environment and current folder.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(
        path: &Path,
        overrides: &[String],
        variables: impl IntoIterator<Item = (String, String)>,
        folder: &Path,
    ) -> Result<Self, Error> {
        let variables: Vec<(String, String)> = variables.into_iter().collect();
        let origin = layers::merge(path, overrides, &variables, folder)?;
        let mut base = origin.merged().clone();
        tree::remove(&mut base, &key::path(&["sweep"]));

        let sweep = read_sweep(&origin);
        let axes = match &sweep {
            Ok(sweep) => sweep::axes(&origin, sweep),
            Err(_) => Ok(Vec::new()),
        };
        for axis in axes.as_deref().unwrap_or_default() {
            fill_needed(&mut base, axis);
        }
        let locate = |path: &[String], part| origin.locate(path, part);
        let spec = read::<Spec>(base.clone());
        let spec = spec.map_err(|mistakes| diagnostics(&mistakes, &locate));
        let (mut spec, sweep, axes) = match (spec, sweep, axes) {
            (Ok(spec), Ok(sweep), Ok(axes)) => (spec, sweep, axes),
            (spec, sweep, axes) => {
                let mut all = spec.err().unwrap_or_default();
                all.extend(sweep.err().unwrap_or_default());
                all.extend(axes.err().unwrap_or_default());
                return Err(all.into());
            }
        };
        let runs = Expansion {
            origin: &origin,
            base: &base,
            axes: &axes,
        }
        .runs(&sweep, spec.seed)?;
        let is_swept = |key: &str| {
            let path = key::parse(key).unwrap_or_default();
            let mut axes = axes.iter();
            axes.any(|axis| key::below(&path, &axis.path).is_some())
        };
        spec.fill(&is_swept);
        Ok(Experiment {
            spec,
            sweep,
            runs,
            origin,
        })
    }

    /// A problem found later, e.g. by the model, as a diagnostic with the place its key came from: the value on
    /// a sweep's axis if the key is swept and it shows in `run`, else file, variable or flag. A key that is not
    /// written anywhere is shown where it would go.
    pub fn problem(&self, run: Option<&Run>, problem: &Problem) -> Diagnostic {
        let point: Vec<(KeyPath, KeyPath)> = run.map_or(Vec::new(), |run| self.places_of(run));
        let mut diagnostic = located(&self.origin, &point, problem);
        if let Some(run) = run.filter(|run| !run.point.is_empty()) {
            diagnostic.notes.push(format!("in the run {}", run.id));
        }
        diagnostic
    }

    /// The keys that are swept with the places of this run's values.
    fn places_of(&self, run: &Run) -> Vec<(KeyPath, KeyPath)> {
        let place = |(axis, value): &(String, _)| {
            let at = key::path(&["sweep", "axes", axis]);
            let values = tree::get(self.origin.merged(), &at)?.as_array()?;
            let same = |v: &Value| sweep::axis_value(v) == *value;
            let index = values.iter().position(same)?;
            Some((key::parse(axis).ok()?, key::axis_path(axis, index, &[])))
        };
        run.point.iter().filter_map(place).collect()
    }
}

fn diagnostics(
    mistakes: &[Mistake],
    locate: &dyn Fn(&[String], Part) -> Place,
) -> Vec<Diagnostic> {
    mistakes.iter().map(|mistake| explain(mistake, locate)).collect()
}

fn read_sweep(origin: &Origin) -> Result<Sweep, Vec<Diagnostic>> {
    let at = key::path(&["sweep"]);
    let Some(value) = tree::get(origin.merged(), &at) else {
        return Ok(Sweep::default());
    };
    let mut sweep: Sweep = read(value.clone()).map_err(|mut mistakes| {
        for mistake in &mut mistakes {
            mistake.path.insert(0, "sweep".into());
        }
        diagnostics(&mistakes, &|path, part| origin.locate(path, part))
    })?;
    sweep.order = origin.axes();
    sweep.order.retain(|axis| sweep.axes.contains_key(axis));
    Ok(sweep)
}

/// Takes a needed key that only the sweep gives from the first point.
fn fill_needed(base: &mut Value, axis: &Axis) {
    let needed = NEEDED.contains(&axis.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice());
    if let Some(first) = axis.values.first()
        && needed
        && tree::get(base, &axis.path).is_none()
    {
        // It can be put there: the key leads through tables only.
        let _ = tree::assign(base, &axis.path, first.clone());
    }
}

/// A problem with the place of its key; `point` leads from swept keys to the values of the run it shows in.
fn located(origin: &Origin, point: &[(KeyPath, KeyPath)], problem: &Problem) -> Diagnostic {
    let path = key::parse(&problem.key).unwrap_or_else(|_| key::path(&[&problem.key]));
    let path = on_axis(&path, point).unwrap_or(path);
    let place = origin.locate(&path, Part::Value);
    let mut diagnostic = Diagnostic::new(place, problem.message.clone());
    diagnostic.help.extend(problem.help.clone());
    if origin.exact(&path).is_none() && !key::is_in_axis(&path) && !is_element(&path) {
        let note = format!("`{}` is not written anywhere; it would go here", problem.key);
        diagnostic.notes.push(note);
    }
    diagnostic
}

/// The place of a swept key, or of something inside it.
fn on_axis(path: &[String], point: &[(KeyPath, KeyPath)]) -> Option<KeyPath> {
    point.iter().find_map(|(swept, place)| {
        let below = key::below(path, swept)?;
        Some([place, below].concat())
    })
}

fn is_element(path: &[String]) -> bool {
    path.last().is_some_and(|last| last.parse::<usize>().is_ok())
}

/// Makes the runs of an experiment from its axes.
struct Expansion<'a> {
    origin: &'a Origin,
    base: &'a Value,
    axes: &'a [Axis],
}

impl Expansion<'_> {
    fn runs(&self, sweep: &Sweep, seed: u64) -> Result<Vec<Run>, Error> {
        self.check_values()?;
        let lengths: Vec<usize> = self.axes.iter().map(|axis| axis.values.len()).collect();
        let points = sweep::points(sweep, &lengths, seed)
            .map_err(|problem| Error::from(located(self.origin, &[], &problem)))?;
        let runs = points
            .iter()
            .map(|point| self.run(point))
            .collect::<Result<Vec<Run>, Vec<Diagnostic>>>()?;
        self.check_runs(&points, &runs)?;
        self.check_ids(&points, &runs)?;
        Ok(runs)
    }

    /// Checks each value of each axis on its own.
    fn check_values(&self) -> Result<(), Error> {
        let mut wrong = Vec::new();
        for (at, axis) in self.axes.iter().enumerate() {
            for index in 0..axis.values.len() {
                wrong.extend(self.spec(&[(at, index)]).err().unwrap_or_default());
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
    }

    /// The spec with some axes set: (axis, index of the value).
    fn spec(&self, point: &[(usize, usize)]) -> Result<Spec, Vec<Diagnostic>> {
        let mut values = self.base.clone();
        for (at, index) in point {
            let axis = &self.axes[*at];
            let value = axis.values[*index].clone();
            tree::assign(&mut values, &axis.path, value).map_err(|unassignable| {
                let place = self.origin.locate(&key::path(&["sweep", "axes", &axis.name]), Part::Key);
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

    fn run(&self, point: &[usize]) -> Result<Run, Vec<Diagnostic>> {
        let point: Vec<(usize, usize)> = point.iter().copied().enumerate().collect();
        let spec = self.spec(&point)?;
        let value = |(at, index): &(usize, usize)| {
            let axis = &self.axes[*at];
            (axis.name.clone(), sweep::axis_value(&axis.values[*index]))
        };
        let point: Vec<_> = point.iter().map(value).collect();
        Ok(Run {
            id: run_id::run_id(&point, &spec),
            point,
            spec,
        })
    }

    /// Validates every run; a mistake that several runs share is shown once.
    fn check_runs(&self, points: &[Vec<usize>], runs: &[Run]) -> Result<(), Error> {
        let mut found: Vec<(Diagnostic, usize, usize)> = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (at, (point, run)) in points.iter().zip(runs).enumerate() {
            let point: Vec<(usize, usize)> = point.iter().copied().enumerate().collect();
            let mut in_this_run = BTreeSet::new();
            for problem in validate(&run.spec) {
                let diagnostic = located(self.origin, &self.places(&point), &problem);
                let text = diagnostic.to_string();
                if !in_this_run.insert(text.clone()) {
                    continue;
                }
                match seen.get(&text) {
                    Some(index) => found[*index].2 += 1,
                    None => {
                        seen.insert(text, found.len());
                        found.push((diagnostic, at, 1));
                    }
                }
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let noted = |(diagnostic, first, count): (Diagnostic, usize, usize)| match count {
            n if n == runs.len() => diagnostic,
            1 => diagnostic.note(format!("in the run {}", runs[first].id)),
            n => diagnostic.note(format!("in {n} runs, the first is {}", runs[first].id)),
        };
        Err(found.into_iter().map(noted).collect::<Vec<_>>().into())
    }

    /// Refuses two runs that differ in nothing.
    fn check_ids(&self, points: &[Vec<usize>], runs: &[Run]) -> Result<(), Error> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, run) in runs.iter().enumerate() {
            let Some(earlier) = seen.insert(&run.id, at) else {
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
