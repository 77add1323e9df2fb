//! `metrics.parquet` and `runs.parquet`: a row per run and epoch, and a row per run.
//!
//! The runs are the truth: each run's rows stand in its own folder ([`own`]), written under the run's claim. The
//! experiment's tables are made of them, and made again wherever they are missing, damaged or older, so that a process
//! that slept and then writes an old table does no lasting harm. Only the rows of runs whose folders have none, as those
//! of earlier versions, are kept from the tables themselves.

mod axis;
mod decode;
mod encode;
mod error;
mod file;
mod format;
mod merge;
pub mod own;
mod seal;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use polars::error::PolarsResult;
use polars::prelude::DataFrame;

use super::Results;
use super::rows::{Axis, EpochRow, RunRow};
use crate::claim::Token;
use axis::{AxisColumn, Points};
pub use error::TableError;
pub(super) use file::{encode as encode_file, file_metadata, put, read_table, value_of};
pub use format::{METRICS_FILE, RUNS_FILE};
use own::Stamp;
pub(super) use seal::{digest_of, seal};
pub use trouble::Trouble;

/// The two tables of a results folder, in memory; [`Tables::write`] puts them on disk.
#[derive(Debug)]
pub struct Tables {
    folder: PathBuf,
    axes: Vec<Axis>,
    order: Vec<String>,
    runs: Vec<RunRow>,
    epochs: Vec<EpochRow>,
    /// The runs whose rows here are newer than those on disk.
    changed: HashSet<String>,
    /// The runs whose rows are those in their own folders, and when these were written.
    own: HashMap<String, Stamp>,
    /// The runs whose rows stand in the tables only.
    unrecorded: HashSet<String>,
    /// The bytes of each file as it was last written or read.
    written: HashMap<&'static str, Vec<u8>>,
    /// What was found damaged and was not said yet.
    trouble: Vec<Trouble>,
}

impl Tables {
    /// The tables in `folder`: what is there is read back, what is missing is empty. Nothing is written yet.
    ///
    /// `order` gives the ids of the sweep's runs; rows are kept in that order. Rows of other runs — of an earlier
    /// form of the experiment — stay after them, with the columns of axes that are no longer swept.
    ///
    /// Damaged files are no error: see [`Tables::take_trouble`].
    ///
    /// # Errors
    /// A file that cannot be read, is not one of this runner's tables, or has another format.
    pub fn open(folder: &Path, axes: &[Axis], order: &[String]) -> Result<Self, TableError> {
        let mut tables = Tables {
            folder: folder.to_owned(),
            axes: axes.to_vec(),
            order: order.to_vec(),
            runs: Vec::new(),
            epochs: Vec::new(),
            changed: HashSet::new(),
            own: HashMap::new(),
            unrecorded: HashSet::new(),
            written: HashMap::new(),
            trouble: Vec::new(),
        };
        tables.refresh()?;
        tables.sort();
        Ok(tables)
    }

    /// What was found damaged since the last call.
    pub fn take_trouble(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.trouble)
    }

    /// The runs whose rows stand in the tables only, as those of earlier versions do, with these rows.
    pub fn unrecorded(&self) -> impl Iterator<Item = (&RunRow, Vec<EpochRow>)> {
        let rows = self.runs.iter();
        let rows = rows.filter(|row| self.unrecorded.contains(&row.run));
        rows.map(|row| (row, self.epochs_of(&row.run)))
    }

    /// The rows of a run's epochs, in order.
    pub fn epochs_of(&self, id: &str) -> Vec<EpochRow> {
        let epochs = self.epochs.iter().filter(|epoch| epoch.run == id);
        epochs.cloned().collect()
    }

    /// Leaves a run to what other processes write of it.
    pub fn give_back(&mut self, id: &str) {
        self.changed.remove(id);
    }

    /// Leaves all runs to what other processes write of them.
    pub fn give_back_all(&mut self) {
        self.changed.clear();
    }

    /// Every run's row, in order.
    pub fn runs(&self) -> &[RunRow] {
        &self.runs
    }

    /// Every epoch's row, in order.
    pub fn epochs(&self) -> &[EpochRow] {
        &self.epochs
    }

    /// The row of this run.
    pub fn run(&self, id: &str) -> Option<&RunRow> {
        self.runs.iter().find(|row| row.run == id)
    }

    /// The rows of the sweep's runs; of all runs where `open` was given no order.
    pub fn results(&self) -> Results<'_> {
        let wanted: HashSet<&str> = self.order.iter().map(String::as_str).collect();
        let is_wanted = |id: &str| wanted.is_empty() || wanted.contains(id);
        Results {
            axes: &self.axes,
            runs: self.runs.iter().filter(|r| is_wanted(&r.run)).collect(),
            others: self.runs.iter().filter(|r| !is_wanted(&r.run)).count(),
        }
    }

    /// Adds a row, in place of an earlier one of the same run and epoch.
    pub fn add_epoch(&mut self, row: EpochRow) {
        self.changed.insert(row.run.clone());
        let same = |r: &&mut EpochRow| r.run == row.run && r.epoch.epoch == row.epoch.epoch;
        match self.epochs.iter_mut().find(same) {
            Some(old) => *old = row,
            None => self.epochs.push(row),
        }
        self.sort();
    }

    /// Adds a row, in place of an earlier one of the same run.
    pub fn set_run(&mut self, row: RunRow) {
        self.changed.insert(row.run.clone());
        self.put_run(row);
        self.sort();
    }

    fn put_run(&mut self, row: RunRow) {
        match self.runs.iter_mut().find(|r| r.run == row.run) {
            Some(old) => *old = row,
            None => self.runs.push(row),
        }
    }

    /// Takes a run out of both tables.
    pub fn remove_run(&mut self, id: &str) {
        self.changed.insert(id.to_owned());
        self.runs.retain(|row| row.run != id);
        self.epochs.retain(|row| row.run != id);
    }

    /// Writes both files, each whole or not at all; one that is there already with the same bytes is left alone.
    ///
    /// # Errors
    /// When the folder is missing or cannot be written; the files are then as they were.
    pub fn write(&mut self) -> Result<(), TableError> {
        self.write_claimed(&Token::unclaimed()).map(|_| ())
    }

    /// As [`Tables::write`], as long as the folder's claim is held; gives whether anything had changed.
    ///
    /// # Errors
    /// The same, and a claim that another process has taken over.
    pub fn write_claimed(&mut self, token: &Token) -> Result<bool, TableError> {
        let epoch_points = self.epochs.iter().map(|row| &row.point);
        let run_points = self.runs.iter().map(|row| &row.point);
        let axes = AxisColumn::all(&self.axes, epoch_points.chain(run_points));
        let points = Points::new(&axes, &self.runs);
        let (epochs, runs) = (
            encode::epochs(&axes, &points, &self.epochs),
            encode::runs(&axes, &points, &self.runs),
        );
        let epochs = self.put(METRICS_FILE, epochs, token)?;
        let runs = self.put(RUNS_FILE, runs, token)?;
        Ok(epochs || runs)
    }

    /// Writes a file, unless that is how it is already.
    fn put(
        &mut self,
        file: &'static str,
        frame: PolarsResult<DataFrame>,
        token: &Token,
    ) -> Result<bool, TableError> {
        let path = self.folder.join(file);
        let bytes = encode_file(&path, frame, None)?;
        if self.written.get(file) == Some(&bytes) && path.exists() {
            return Ok(false);
        }
        put(&path, &bytes, token)?;
        self.written.insert(file, bytes);
        Ok(true)
    }

    /// Puts rows in the order of the sweep and of the epochs; a run without a place comes after, where it stood.
    fn sort(&mut self) {
        let mut place: HashMap<&str, usize> = HashMap::new();
        let rows = self.runs.iter().map(|row| &row.run);
        let ids = self
            .order
            .iter()
            .chain(rows)
            .chain(self.epochs.iter().map(|row| &row.run));
        for id in ids {
            let next = place.len();
            place.entry(id).or_insert(next);
        }
        let place: HashMap<String, usize> = place
            .into_iter()
            .map(|(id, at)| (id.to_owned(), at))
            .collect();
        let at = |id: &str| place.get(id).copied();
        self.runs.sort_by_key(|row| at(&row.run));
        self.epochs
            .sort_by_key(|row| (at(&row.run), row.epoch.epoch));
    }
}

/// The rows of all runs in a results folder; none where there is none yet.
///
/// # Errors
/// As [`Tables::open`].
pub fn read_runs(folder: &Path) -> Result<Vec<RunRow>, TableError> {
    Ok(open_to_read(folder)?.runs)
}

/// The rows of all epochs in a results folder; none where there is none yet.
///
/// # Errors
/// As [`Tables::open`].
pub fn read_epochs(folder: &Path) -> Result<Vec<EpochRow>, TableError> {
    Ok(open_to_read(folder)?.epochs)
}

/// Whether there are results in a folder.
pub fn are_in(folder: &Path) -> bool {
    folder.join(RUNS_FILE).is_file() || own::all(folder).is_ok_and(|runs| !runs.is_empty())
}

fn open_to_read(folder: &Path) -> Result<Tables, TableError> {
    let mut tables = Tables::open(folder, &[], &[])?;
    for trouble in tables.take_trouble() {
        tracing::warn!("{trouble}");
    }
    Ok(tables)
}
