//! An experiment's tables, arranged for looking at.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::analysis::{self, Comparison, Group, Question, Recorded, Results};
use crate::record::predictions::{self, Predictions};
use crate::record::{EpochRow, read_epochs, run_folder, text};
use crate::spec::AxisValue;

use super::Error;

/// Everything recorded of one experiment.
pub struct Experiment {
    pub name: String,
    pub folder: PathBuf,
    pub runs: Vec<Recorded>,
    /// The swept keys.
    pub axes: Vec<String>,
    /// Each run's epochs, in order.
    pub epochs: HashMap<String, Vec<EpochRow>>,
    /// None before the first run has finished.
    pub comparison: Option<Comparison>,
}

/// Runs that differ in nothing but the seed.
pub struct Setting<'a> {
    /// As `through=all, units=256`; the experiment's name where nothing is swept.
    pub label: String,
    pub runs: Vec<&'a Recorded>,
}

impl Setting<'_> {
    /// The values of the swept keys without the keys, as `all, 256`.
    pub fn values(&self) -> String {
        let point = self.runs.first().map_or(&[][..], |run| &run.row.point);
        let values = point.iter().filter(|(key, _)| key != "seed");
        values
            .map(|(_, value)| text::value(value))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Experiment {
    /// Reads the tables in an experiment's folder.
    ///
    /// # Errors
    /// A folder without results, a table that cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let results = Results::read(&[folder.to_owned()])?;
        let mut epochs: HashMap<String, Vec<EpochRow>> = HashMap::new();
        for row in read_epochs(folder)? {
            epochs.entry(row.run.clone()).or_default().push(row);
        }
        let (runs, axes) = (results.runs.clone(), results.axes.clone());
        let comparison = match analysis::compare(results, &Question::default()) {
            Ok(comparison) => Some(comparison),
            Err(analysis::Error::Nothing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let name = runs.first().map(|run| run.experiment.clone());
        Ok(Experiment {
            name: name.unwrap_or_default(),
            folder: folder.to_owned(),
            runs,
            axes,
            epochs,
            comparison,
        })
    }

    /// The settings that have been run, in the order of the sweep.
    pub fn settings(&self) -> Vec<Setting<'_>> {
        let mut settings: Vec<Setting> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for run in &self.runs {
            let label = self.label(run);
            let place = *places.entry(label.clone()).or_insert_with(|| {
                settings.push(Setting {
                    label,
                    runs: Vec::new(),
                });
                settings.len() - 1
            });
            settings[place].runs.push(run);
        }
        settings
    }

    /// What tells a run's setting from others.
    pub fn label(&self, run: &Recorded) -> String {
        let point = run.row.point.iter().filter(|(key, _)| key != "seed");
        let label = text::point(&point.cloned().collect::<Vec<_>>(), ", ");
        if label.is_empty() {
            self.name.clone()
        } else {
            label
        }
    }

    /// The finished runs of a group of the comparison.
    pub fn runs_of(&self, group: &Group) -> Vec<&Recorded> {
        let is_in = |run: &&Recorded| group.runs.contains(&run.row.run);
        self.runs.iter().filter(is_in).collect()
    }

    /// The best group.
    pub fn best(&self) -> Option<&Group> {
        self.comparison.as_ref()?.groups.first()
    }

    /// What the runs of the best group predicted.
    ///
    /// # Errors
    /// A damaged table.
    pub fn best_predictions(&self) -> Result<Vec<(&Recorded, Predictions)>, Error> {
        let mut found = Vec::new();
        for run in self.best().map_or(Vec::new(), |group| self.runs_of(group)) {
            let folder = run_folder(&self.folder, &run.row.run);
            if let Some(predictions) = predictions::read(&folder)? {
                found.push((run, predictions));
            }
        }
        Ok(found)
    }

    /// The values of an axis among the finished runs: numbers by size, freeze depths from shallow to deep, others in
    /// the order of the sweep.
    pub fn values_of(&self, axis: &str) -> Vec<AxisValue> {
        let mut values: Vec<(AxisValue, Vec<f64>)> = Vec::new();
        for run in self.runs.iter().filter(|run| run.is_finished()) {
            let Some(value) = run.value(axis) else {
                continue;
            };
            let trainable = run.row.trainable_parameters.map(|n| n as f64);
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, of)) => of.extend(trainable),
                None => values.push((value, trainable.into_iter().collect())),
            }
        }
        if axis == "freeze.through" {
            // The deeper the boundary, the less is trained; boundaries that differ in no tensor stay as swept.
            let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
            values.sort_by(|(_, a), (_, b)| mean(b).total_cmp(&mean(a)));
        } else if values.iter().all(|(value, _)| number(value).is_some()) {
            let size = |value: &AxisValue| number(value).unwrap_or(f64::NAN);
            values.sort_by(|(a, _), (b, _)| size(a).total_cmp(&size(b)));
        }
        values.into_iter().map(|(value, _)| value).collect()
    }
}

/// The value as a number, where it is one.
pub fn number(value: &AxisValue) -> Option<f64> {
    match value {
        AxisValue::Integer(v) => Some(*v as f64),
        AxisValue::Float(v) if v.is_finite() => Some(*v),
        _ => None,
    }
}

/// Whether the values of a comparison's axis are numbers.
pub fn is_numeric(comparison: &Comparison, axis: usize) -> bool {
    let values = comparison.groups.iter().map(|group| group.point.get(axis));
    let mut values = values.map(|value| value.and_then(Option::as_ref));
    values.all(|value| value.is_none_or(|value| number(value).is_some()))
}

/// A measure's name in words: `validation accuracy` for `val_accuracy`.
pub fn spelled(measure: &str) -> String {
    let name = measure.replace('_', " ");
    match name.strip_prefix("val ") {
        Some(rest) => format!("validation {rest}"),
        None => name,
    }
}
