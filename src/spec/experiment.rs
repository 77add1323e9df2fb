//! An experiment: the base spec, its sweep, and the concrete runs.

use std::collections::{BTreeMap, HashSet};

use super::diagnostic::Diagnostic;
use super::expand::Expansion;
use super::key::{self, KeyPath};
use super::locate::located;
use super::origin::Origin;
use super::problem::Problem;
use super::question::Question;
use super::run::{AxisValue, Run};
use super::sweep;
use super::types::{AxisValues, Spec, Sweep};
use crate::search::Point;

/// A loaded spec file: what to run, and where every value came from.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The spec without the sweep applied.
    pub spec: Spec,
    /// The sweep as written.
    pub sweep: Sweep,
    /// Every run, in order; at least one. Where the sweep's strategy follows results, those that were asked for so far.
    pub runs: Vec<Run>,
    /// What the sweep's strategy has asked so far.
    pub questions: Vec<Question>,
    /// Whether nothing will be asked beyond.
    pub is_over: bool,
    /// Where everything was written.
    pub(super) origin: Origin,
    pub(super) expansion: Expansion,
    /// The index of the run at each point.
    pub(super) by_point: BTreeMap<Point, usize>,
}

impl Experiment {
    /// What is to be said of the environment's variables that look as if they set a key, and do not.
    pub fn warnings(&self) -> &[String] {
        &self.origin.warnings
    }

    /// The swept keys with the values that runs have, both in the order of the file.
    pub fn axes(&self) -> Vec<(String, Vec<AxisValue>)> {
        let axis = |(at, (key, _)): (usize, (&str, &AxisValues))| {
            let mut seen = HashSet::new();
            let first = self.runs.iter().filter(|run| match run.places.get(at) {
                Some(place) => seen.insert(*place),
                None => false,
            });
            let values = first.filter_map(|run| Some(run.point.get(at)?.1.clone()));
            (key.to_owned(), values.collect())
        };
        self.sweep.in_order().enumerate().map(axis).collect()
    }
}

impl Experiment {
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
        let place = |((axis, _), index): (&(String, _), &usize)| {
            let is_range = matches!(self.sweep.axes.get(axis), Some(AxisValues::Range(_)));
            Some((key::parse(axis).ok()?, sweep::place(axis, is_range, *index)))
        };
        let axes = run.point.iter().zip(&run.places);
        axes.filter_map(place).collect()
    }
}
