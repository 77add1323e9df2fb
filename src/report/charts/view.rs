//! An experiment as its charts look at it.

use super::axis::Swept;
use super::frame::axis_label;
use crate::analysis::Measure;
use crate::report::experiment::{Experiment, Ranked};

/// An experiment's finished runs as its charts look at them.
pub(super) struct View<'a> {
    pub experiment: &'a Experiment,
    pub settings: Vec<Ranked<'a>>,
    pub axes: Vec<Swept>,
    /// What is told of each setting.
    pub measure: Measure,
}

impl<'a> View<'a> {
    /// None before the first run has finished.
    pub fn new(experiment: &'a Experiment) -> Option<Self> {
        let comparison = experiment.comparison.as_ref()?;
        let axes = 0..comparison.axes.len();
        Some(View {
            experiment,
            settings: experiment.ranked(),
            axes: axes
                .filter_map(|axis| Swept::new(experiment, axis))
                .collect(),
            measure: *comparison.reported()?,
        })
    }

    /// The measure with its unit.
    pub fn measured(&self) -> String {
        axis_label(self.measure.name, self.measure.unit)
    }
}

/// A key as part of a file's name; characters that do not belong there become `_`.
pub(super) fn file_name(key: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    key.chars().map(safe).collect()
}
