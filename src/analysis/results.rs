//! Recorded runs of one or several experiments.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::error::hint;
use super::{Error, Filter};
use crate::record::{RunRow, Status, read_epochs, read_runs, results_are_in};
use crate::spec::AxisValue;
use crate::train::Metrics;

/// The key of the experiment's name where several are looked at together.
pub const EXPERIMENT: &str = "experiment";

/// A recorded run with what is known of it elsewhere.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub experiment: String,
    pub row: RunRow,
    /// At its best epoch, where the epochs were read.
    pub validation: Option<Metrics>,
}

/// The runs of one or several experiments.
#[derive(Clone, Debug, Default)]
pub struct Results {
    pub runs: Vec<Recorded>,
    /// The swept keys, in the order of the tables.
    pub axes: Vec<String>,
    /// How many experiments there are.
    pub experiments: usize,
}

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
        let rows = read_runs(folder)?;
        let has_test = rows.iter().any(|row| row.test.is_some());
        let mut validation = match has_test {
            true => HashMap::new(),
            false => best_epochs(folder, &rows)?,
        };
        for row in rows {
            for (key, _) in &row.point {
                if !self.axes.contains(key) {
                    self.axes.push(key.clone());
                }
            }
            self.runs.push(Recorded {
                experiment: name.clone().into_owned(),
                validation: validation.remove(&row.run),
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

impl Recorded {
    /// The value of a key: an axis, `experiment`, `status`, or any key of the run's spec.
    pub fn value(&self, key: &str) -> Option<AxisValue> {
        if let Some((_, value)) = self.row.point.iter().find(|(known, _)| known == key) {
            return Some(value.clone());
        }
        match key {
            EXPERIMENT => Some(AxisValue::Text(self.experiment.clone())),
            "status" => Some(AxisValue::Text(self.row.status.to_string())),
            "run" => Some(AxisValue::Text(self.row.run.clone())),
            key => self.in_spec(key),
        }
    }

    fn in_spec(&self, key: &str) -> Option<AxisValue> {
        let spec: serde_json::Value = serde_json::from_str(&self.row.spec).ok()?;
        let value = key
            .split('.')
            .try_fold(&spec, |value, part| match part.parse() {
                Ok(index) if value.is_array() => value.get::<usize>(index),
                _ => value.get(part),
            })?;
        Some(match value {
            serde_json::Value::Null => return None,
            serde_json::Value::Bool(v) => AxisValue::Bool(*v),
            serde_json::Value::String(v) => AxisValue::Text(v.clone()),
            serde_json::Value::Number(v) => match v.as_i64() {
                Some(v) => AxisValue::Integer(v),
                None => AxisValue::Float(v.as_f64()?),
            },
            other => AxisValue::Text(other.to_string()),
        })
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.row.status == Status::Finished
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

/// The validation metrics of each run at its best epoch, else at its last.
fn best_epochs(folder: &Path, runs: &[RunRow]) -> Result<HashMap<String, Metrics>, Error> {
    let best: HashMap<&str, Option<usize>> = runs
        .iter()
        .map(|row| (row.run.as_str(), row.best_epoch))
        .collect();
    let mut found: HashMap<String, Metrics> = HashMap::new();
    for row in read_epochs(folder)? {
        // In the order of the epochs: the last one stays.
        let wanted = match best.get(row.run.as_str()) {
            Some(Some(best)) => *best == row.epoch.epoch,
            _ => true,
        };
        if let (true, Some(validation)) = (wanted, row.epoch.validation) {
            found.insert(row.run, validation);
        }
    }
    Ok(found)
}
