//! An experiment's tables, arranged for looking at.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::analysis::{
    self, Comparison, Group, Question, Recorded, Results, Sample, Unit, name_of, shown,
};
use crate::spec::{AxisValue, is_ordered_by_depth, is_replicate};
use crate::store::predictions::{self, Predictions};
use crate::store::search::{self, Row};
use crate::store::{EpochRow, read_epochs, run_folder, text};

use super::Error;

/// Everything recorded of one experiment.
pub struct Experiment {
    pub name: String,
    pub folder: PathBuf,
    /// Those of the spec as it is now.
    pub runs: Vec<Recorded>,
    /// Each run's epochs, in order.
    pub epochs: HashMap<String, Vec<EpochRow>>,
    /// What the sweep's strategy asked, where it looks at results.
    pub search: Vec<Row>,
    /// None before the first run has finished.
    pub comparison: Option<Comparison>,
    /// The place of each finished run's group in the comparison.
    groups: HashMap<String, usize>,
}

/// Runs that repeat one another.
pub struct Setting<'a> {
    /// As `through=all, units=256`; the experiment's name where nothing is swept.
    pub label: String,
    pub runs: Vec<&'a Recorded>,
}

/// A setting with its place in the comparison.
pub struct Ranked<'a> {
    /// From 1, the best.
    pub rank: usize,
    pub group: &'a Group,
    /// Those that have finished.
    pub runs: Vec<&'a Recorded>,
    title: String,
}

impl Ranked<'_> {
    /// Its rank and what tells it from the others: `2 · through=all, units=256`.
    pub fn titled(&self) -> String {
        self.title.clone()
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
        let present = results.runs.iter().filter(|run| run.is_present);
        let runs: Vec<Recorded> = present.cloned().collect();
        let comparison = match analysis::compare(results, &Question::default()) {
            Ok(comparison) => Some(comparison),
            Err(analysis::Error::Nothing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let groups = comparison
            .iter()
            .flat_map(|found| found.groups.iter().enumerate());
        let of_group = |(i, group): (usize, &Group)| {
            let runs = group.runs.iter();
            runs.map(|run| (run.clone(), i)).collect::<Vec<_>>()
        };
        let name = runs.first().map(|run| run.experiment.clone());
        Ok(Experiment {
            name: name.unwrap_or_default(),
            folder: folder.to_owned(),
            groups: groups.flat_map(of_group).collect(),
            runs,
            epochs,
            search: search::read(folder),
            comparison,
        })
    }

    /// The settings that have been run, in the order of the sweep.
    pub fn settings(&self) -> Vec<Setting<'_>> {
        let mut settings: Vec<Setting> = Vec::new();
        let mut places: HashMap<(String, &str), usize> = HashMap::new();
        for run in &self.runs {
            let label = self.label(run);
            let place = *places
                .entry((label.clone(), &run.setting))
                .or_insert_with(|| {
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

    /// The settings with finished runs, the best first.
    pub fn ranked(&self) -> Vec<Ranked<'_>> {
        let Some(comparison) = &self.comparison else {
            return Vec::new();
        };
        let mut ranked: Vec<Ranked<'_>> = comparison
            .groups
            .iter()
            .zip(1..)
            .map(|(group, rank)| Ranked {
                rank,
                group,
                runs: Vec::new(),
                title: match comparison.axes.is_empty() {
                    true => self.name.clone(),
                    false => format!("{rank} · {}", name_of(comparison, group)),
                },
            })
            .collect();
        for run in &self.runs {
            let place = self.groups.get(&run.row.run);
            if let Some(setting) = place.and_then(|place| ranked.get_mut(*place)) {
                setting.runs.push(run);
            }
        }
        ranked
    }

    /// The rank of a finished run's setting, from 1.
    pub fn rank_of(&self, run: &str) -> Option<usize> {
        self.groups.get(run).map(|place| place + 1)
    }

    /// What tells a run's setting from others.
    pub fn label(&self, run: &Recorded) -> String {
        let point = run.row.point.iter().filter(|(key, _)| !is_replicate(key));
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

    /// What the runs of the best group predicted, every class's probability of the first alone.
    ///
    /// # Errors
    /// A damaged table.
    pub fn best_predictions(&self) -> Result<Vec<(&Recorded, Predictions)>, Error> {
        let mut found = Vec::new();
        for run in self.best().map_or(Vec::new(), |group| self.runs_of(group)) {
            let folder = run_folder(&self.folder, &run.row.run);
            if let Some(predictions) = predictions::read(&folder)? {
                // Only those of the first are looked at.
                let predictions = match found.is_empty() {
                    true => predictions,
                    false => predictions.without_ranking(),
                };
                found.push((run, predictions));
            }
        }
        Ok(found)
    }

    /// The time that a run's epochs took, without what came before, between and after them.
    pub fn training_seconds(&self, run: &str) -> Option<f64> {
        let epochs = self.epochs.get(run)?;
        Some(epochs.iter().map(|row| row.epoch.seconds).sum())
    }

    /// The values of an axis of the comparison: numbers by size, freeze depths from shallow to deep, others in the order
    /// of the sweep.
    pub fn values_of(&self, axis: usize) -> Vec<AxisValue> {
        let Some(comparison) = &self.comparison else {
            return Vec::new();
        };
        let mut values: Vec<(&AxisValue, Vec<f64>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for run in &self.runs {
            let group = self
                .groups
                .get(&run.row.run)
                .map(|place| &comparison.groups[*place]);
            let Some(value) = group.and_then(|group| group.point.get(axis)?.as_ref()) else {
                continue;
            };
            let place = *places.entry(value.to_string()).or_insert_with(|| {
                values.push((value, Vec::new()));
                values.len() - 1
            });
            values[place].1.extend(frozen(run));
        }
        if comparison
            .axes
            .get(axis)
            .is_some_and(|key| is_ordered_by_depth(key))
        {
            // The deeper the boundary, the more is frozen; boundaries that differ in no tensor stay as swept.
            let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
            values.sort_by(|(_, a), (_, b)| mean(a).total_cmp(&mean(b)));
        } else if values.iter().all(|(value, _)| number(value).is_some()) {
            let size = |value: &AxisValue| number(value).unwrap_or(f64::NAN);
            values.sort_by(|(a, _), (b, _)| size(a).total_cmp(&size(b)));
        }
        values.into_iter().map(|(value, _)| value.clone()).collect()
    }
}

/// How many parameters a run did not train; unlike those that it trained, the head does not change it.
fn frozen(run: &Recorded) -> Option<f64> {
    Some(run.row.parameters? as f64 - run.row.trainable_parameters? as f64)
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

/// A single value of a measure.
pub fn one(value: f64, unit: Unit) -> String {
    let sample = Sample {
        n: 1,
        mean: value,
        deviation: None,
    };
    shown(&sample, unit)
}

/// How many runs stand behind each mean, and what they differ in: `over seed (n = 3)`.
pub struct Repeats {
    fewest: usize,
    most: usize,
    over: String,
}

/// Of settings with so many runs each.
pub fn repeats(experiment: &Experiment, counts: impl Iterator<Item = usize>) -> Repeats {
    let (fewest, most) = counts.fold((usize::MAX, 0), |(fewest, most), n| {
        (fewest.min(n), most.max(n))
    });
    let folded = experiment
        .comparison
        .as_ref()
        .map_or(&[][..], |c| &c.repeated);
    Repeats {
        fewest: fewest.min(most),
        most,
        over: match folded {
            [] => "its repetitions".into(),
            keys => keys.join(" and "),
        },
    }
}

impl Repeats {
    /// Whether no setting has more than one run, so that nothing is averaged.
    pub fn is_single(&self) -> bool {
        self.most <= 1
    }
}

impl fmt::Display for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fewest == self.most {
            true => write!(f, "over {} (n = {})", self.over, self.most),
            false => write!(
                f,
                "over {} (n = {} to {})",
                self.over, self.fewest, self.most
            ),
        }
    }
}
