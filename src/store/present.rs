//! Which of the runs in an experiment's folder belong to the spec as it is now; runs of earlier forms stay beside them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{run_folder, runs_folder};
use super::tables::own;
use crate::spec::{Run, digits_of};

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
