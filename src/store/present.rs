//! Which of the runs in an experiment's folder belong to the spec as it is now; runs of earlier forms stay beside them.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Error;
use super::folder::{run_folder, runs_folder, write};
use super::tables::own;
use crate::claim::Token;
use crate::spec::{Run, digits_of};

/// The ids of the present spec's runs, one per line.
pub const PLAN_FILE: &str = "plan.txt";

/// Writes the ids of the present spec's runs.
///
/// # Errors
/// A file that cannot be written.
pub(crate) fn write_plan(folder: &Path, ids: &[String], token: &Token) -> Result<(), Error> {
    write(&folder.join(PLAN_FILE), &(ids.join("\n") + "\n"), token)
}

/// The ids of the present spec's runs; none where they were not written down, as by earlier versions.
pub fn read_plan(folder: &Path) -> Option<HashSet<String>> {
    let text = fs::read_to_string(folder.join(PLAN_FILE)).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

/// The same in the order of the sweep; empty where they were not written down.
pub fn planned_runs(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join(PLAN_FILE)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The runs that have folders in an experiment's.
#[derive(Debug)]
pub struct Present {
    experiment: PathBuf,
    /// Ids by the digits that they end with.
    ids: HashMap<String, Vec<String>>,
}

impl Present {
    /// The runs in an experiment's folder; none where it cannot be read.
    pub fn of(experiment: &Path) -> Self {
        let entries = fs::read_dir(runs_folder(experiment)).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut ids: HashMap<String, Vec<String>> = HashMap::new();
        for name in names {
            ids.entry(digits_of(&name).to_owned())
                .or_default()
                .push(name);
        }
        ids.values_mut().for_each(|ids| ids.sort());
        Present {
            experiment: experiment.to_owned(),
            ids,
        }
    }

    /// The id that a run has in the folder where it is another than its own: it was recorded when the sweep had other
    /// axes, whose values are part of an id, and is the same by everything that decides the result.
    pub fn other_id(&self, run: &Run) -> Option<String> {
        let ids = self.ids.get(digits_of(&run.id))?;
        if ids.contains(&run.id) {
            return None;
        }
        let is_same = |id: &&String| {
            let rows = own::read(&run_folder(&self.experiment, id), &[]);
            rows.is_ok_and(|rows| rows.is_some_and(|rows| rows.row.setting() == run.setting()))
        };
        ids.iter().find(is_same).cloned()
    }
}
