//! What stands on disk: the rows in the runs' own folders, and those in the tables.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::path::PathBuf;

use super::own::{self, OwnRows, Stamp};
use super::{METRICS_FILE, RUNS_FILE, TableError, Tables, Trouble, file};
use crate::store::rows::{EpochRow, RunRow};

/// The rows of runs by their ids.
type Rows = HashMap<String, (Option<RunRow>, Vec<EpochRow>)>;

/// What the tables themselves hold.
struct Shared {
    /// The runs in the order of their rows.
    order: Vec<String>,
    rows: Rows,
    /// Whether both are there and not damaged.
    is_whole: bool,
}

impl Tables {
    /// Takes the rows that other processes have written since: of every run that was not changed here, those in its own
    /// folder, else those in the tables. Rows that stand nowhere any more are forgotten.
    ///
    /// # Errors
    /// As [`Tables::open`].
    pub fn refresh(&mut self) -> Result<(), TableError> {
        let there = own::all(&self.folder)?;
        let found = self.read_own(&there)?;
        let vanished = self.own.keys().any(|id| !there.contains_key(id));
        let shared = match self.is_as_written() {
            true => None,
            false => Some(self.read_shared(&there)?),
        };
        if found.is_empty() && !vanished && shared.is_none() {
            return Ok(());
        }
        self.own.retain(|id, _| there.contains_key(id));
        self.merge(found, shared);
        self.sort();
        Ok(())
    }

    /// The rows in the folders of runs that were written since.
    fn read_own(
        &mut self,
        there: &BTreeMap<String, (PathBuf, Stamp)>,
    ) -> Result<Vec<OwnRows>, TableError> {
        let mut found = Vec::new();
        for (id, (path, stamp)) in there {
            let known = self.own.get(id);
            let is_known = known.is_some_and(|known| known.still_holds(stamp));
            if is_known || self.changed.contains(id) {
                continue;
            }
            match own::read(path, &self.axes) {
                Ok(Some(rows)) => {
                    self.own.insert(id.clone(), stamp.clone());
                    found.push(rows);
                }
                Ok(None) => drop(self.own.remove(id)),
                Err(error) => {
                    let Some(why) = error.damage() else {
                        return Err(error);
                    };
                    self.own.remove(id);
                    self.trouble.push(Trouble::of_run(path, id, why));
                }
            }
        }
        found.sort_by(|a, b| (a.row.started, &a.row.run).cmp(&(b.row.started, &b.row.run)));
        Ok(found)
    }

    /// Whether nobody else has written the tables since.
    fn is_as_written(&self) -> bool {
        [METRICS_FILE, RUNS_FILE].iter().all(|file| {
            let written = self.written.get(file);
            written.is_some_and(|bytes| {
                std::fs::read(self.folder.join(file)).is_ok_and(|found| found == *bytes)
            })
        })
    }

    fn read_shared(
        &mut self,
        there: &BTreeMap<String, (PathBuf, Stamp)>,
    ) -> Result<Shared, TableError> {
        self.written.clear();
        let mut shared = Shared {
            order: Vec::new(),
            rows: Rows::new(),
            is_whole: true,
        };
        for file in [RUNS_FILE, METRICS_FILE] {
            let path = self.folder.join(file);
            match file::read(&path) {
                Ok(Some((table, _))) if file == RUNS_FILE => {
                    for row in table.runs(&self.axes)? {
                        let id = row.run.clone();
                        shared.order.push(id.clone());
                        shared.rows.entry(id).or_default().0 = Some(row);
                    }
                }
                Ok(Some((table, _))) => {
                    for row in table.epochs(&self.axes)? {
                        let entry = shared.rows.entry(row.run.clone()).or_default();
                        entry.1.push(row);
                    }
                }
                Ok(None) => shared.is_whole = false,
                Err(error) => {
                    let Some(why) = error.damage() else {
                        return Err(error);
                    };
                    shared.is_whole = false;
                    let trouble = Trouble::of_table(&path, why, there.keys());
                    self.trouble.push(trouble);
                }
            }
        }
        Ok(shared)
    }

    /// Puts together what is known here, what was found in the runs' folders, and what the tables hold of the others.
    fn merge(&mut self, found: Vec<OwnRows>, shared: Option<Shared>) {
        let order = self.runs.iter().map(|row| row.run.clone());
        let mut order: Vec<String> = order.collect();
        let mut known = group(&mut self.runs, &mut self.epochs);
        let is_own = |id: &String| self.changed.contains(id) || self.own.contains_key(id);
        match shared {
            Some(shared) => {
                order.extend(shared.order);
                let kept = |id: &String| !shared.is_whole && self.unrecorded.contains(id);
                known.retain(|id, _| is_own(id) || kept(id));
                let others = shared.rows.into_iter().filter(|(id, _)| !is_own(id));
                self.unrecorded = others
                    .map(|(id, rows)| {
                        known.entry(id.clone()).or_insert(rows);
                        id
                    })
                    .chain(self.unrecorded.iter().filter(|id| kept(id)).cloned())
                    .collect();
            }
            // What has vanished stands in the tables.
            None => self.unrecorded = known.keys().filter(|id| !is_own(id)).cloned().collect(),
        }
        for rows in found {
            order.push(rows.row.run.clone());
            known.insert(rows.row.run.clone(), (Some(rows.row), rows.epochs));
        }
        // Epochs without a row of their run come last.
        let mut rest: Vec<String> = known.keys().cloned().collect();
        rest.sort();
        order.extend(rest);
        for id in without_repeats(order) {
            if let Some((row, mut epochs)) = known.remove(&id) {
                self.runs.extend(row);
                self.epochs.append(&mut epochs);
            }
        }
    }
}

/// The rows by their runs.
fn group(runs: &mut Vec<RunRow>, epochs: &mut Vec<EpochRow>) -> Rows {
    let mut rows = Rows::new();
    for row in runs.drain(..) {
        let id = row.run.clone();
        rows.entry(id).or_default().0 = Some(row);
    }
    for row in epochs.drain(..) {
        rows.entry(row.run.clone()).or_default().1.push(row);
    }
    rows
}

fn without_repeats<T: Eq + Hash + Clone>(values: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::new();
    let is_new = |value: &T| seen.insert(value.clone());
    values.into_iter().filter(is_new).collect()
}
