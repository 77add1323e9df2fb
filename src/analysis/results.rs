//! Reading recorded runs of one or several experiments.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::error::{Error, hint};
use super::filter::Filter;
use super::recorded::{EXPERIMENT, Recorded, Results};
use crate::metric::Metrics;
use crate::spec::{AxisValue, Contents, Setting, is_replicate};
use crate::store::{RunRow, Status, read_epochs, read_plan, read_runs, results_are_in};

impl Results {
    /// Reads the results in these folders, or in the folders inside them.
    ///
    /// # Errors
    /// A folder without results, a table that cannot be read.
    pub fn read(folders: &[PathBuf]) -> Result<Self, Error> {
        let mut results = Results::default();
        for folder in folders {
            for experiment in experiments(folder)? {
                results.add(&experiment)?;
            }
        }
        if results.experiments > 1 {
            results.axes.insert(0, EXPERIMENT.to_owned());
        }
        Ok(results)
    }

    fn add(&mut self, folder: &Path) -> Result<(), Error> {
        let name = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        let mut rows = read_runs(folder)?;
        let plan = read_plan(folder).map(HashSet::<String>::from_iter);
        let is_present = |row: &RunRow| plan.as_ref().is_none_or(|plan| plan.contains(&row.run));
        complete_contents(&mut rows, &is_present);
        let has_validation = |row: &RunRow| row.validation.is_some();
        let mut earlier = match rows.iter().any(has_validation) {
            true => HashMap::new(),
            false => saved_epochs(folder, &rows)?,
        };
        for row in rows {
            for (key, _) in &row.point {
                if !self.axes.contains(key) {
                    self.axes.push(key.clone());
                }
            }
            let setting = row.setting();
            self.runs.push(Recorded {
                experiment: name.clone().into_owned(),
                folder: folder.to_owned(),
                validation: row.validation.clone().or_else(|| earlier.remove(&row.run)),
                is_present: is_present(&row),
                setting: setting.key() + &unspecified(&row.point, &setting),
                test_set: setting.test_set(),
                validation_set: setting.validation_set(),
                row,
            });
        }
        self.experiments += 1;
        Ok(())
    }

    /// Keeps the runs that all filters let pass.
    ///
    /// # Errors
    /// A key that no run has.
    pub fn retain(&mut self, filters: &[Filter]) -> Result<(), Error> {
        for filter in filters {
            self.check_key(&filter.key)?;
        }
        self.runs
            .retain(|run| filters.iter().all(|filter| filter.passes(run)));
        Ok(())
    }

    /// Refuses a key that no run has.
    ///
    /// # Errors
    /// Which one, and what may have been meant.
    pub fn check_key(&self, key: &str) -> Result<(), Error> {
        if self.runs.is_empty() || self.runs.iter().any(|run| run.value(key).is_some()) {
            return Ok(());
        }
        Err(Error::UnknownKey {
            key: key.to_owned(),
            hint: hint(key, self.axes.iter().map(String::as_str)),
        })
    }
}

/// The folder itself where it has results, else those inside it that have, by name.
fn experiments(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if results_are_in(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    if !folder.is_dir() {
        return Err(Error::NoResults(folder.to_owned()));
    }
    let unreadable = |source| Error::Io {
        path: folder.to_owned(),
        source,
    };
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if results_are_in(&path) {
            inside.push(path);
        }
    }
    if inside.is_empty() {
        return Err(Error::NoResults(folder.to_owned()));
    }
    inside.sort();
    Ok(inside)
}

/// The values of axes that the recorded spec says nothing about, as one of another version may.
fn unspecified(point: &[(String, AxisValue)], setting: &Setting) -> String {
    let missing = |key: &str| !is_replicate(key) && !setting.covers(key);
    let missing = point.iter().filter(|(key, _)| missing(key));
    missing
        .map(|(key, value)| format!(" {key}={value}"))
        .collect()
}

/// Gives the present runs that a version recorded which did not record contents those of the other present runs of the
/// same spec: their ids say that they are the same.
fn complete_contents(rows: &mut [RunRow], is_present: &dyn Fn(&RunRow) -> bool) {
    if rows.iter().all(|row| row.contents.is_some()) {
        return;
    }
    let key = |row: &RunRow| Setting::of(&row.spec, None).key();
    let known = rows.iter().filter(|row| is_present(row));
    let known = known.filter_map(|row| Some((key(row), row.contents.clone()?)));
    let known: HashMap<String, Contents> = known.collect();
    for row in rows.iter_mut() {
        if row.contents.is_none() && is_present(row) {
            row.contents = known.get(&key(row)).cloned();
        }
    }
}

/// The validation metrics of the model that each finished run has saved, from its epochs: the last one, or the best with
/// `restore_best`. Tables of earlier versions have them only there.
fn saved_epochs(folder: &Path, runs: &[RunRow]) -> Result<HashMap<String, Metrics>, Error> {
    let saved: HashMap<&str, usize> = runs
        .iter()
        .filter(|row| row.status == Status::Finished)
        .map(|row| {
            let spec: serde_json::Value = serde_json::from_str(&row.spec).unwrap_or_default();
            let restores = AxisValue::at(&spec, "training.early_stopping.restore_best");
            let best = row
                .best_epoch
                .filter(|_| restores == Some(AxisValue::Bool(true)));
            (row.run.as_str(), best.unwrap_or(row.epochs))
        })
        .collect();
    let epochs = read_epochs(folder)?.into_iter();
    let epochs = epochs.filter(|row| saved.get(row.run.as_str()) == Some(&row.epoch.epoch));
    Ok(epochs
        .filter_map(|row| Some((row.run, row.epoch.validation?)))
        .collect())
}
