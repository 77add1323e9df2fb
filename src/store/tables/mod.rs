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
mod last;
mod merge;
pub mod own;
mod places;
mod seal;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use polars::error::PolarsResult;
use polars::prelude::DataFrame;

use super::Results;
use super::folder::run_folder;
use super::rows::{Axis, EpochRow, RunRow};
use crate::claim::Token;
use axis::{AxisColumn, Points};
pub use error::TableError;
pub(super) use file::{
    encode as encode_file, file_metadata, put, put_for_now, read_table, read_words, value_of,
};
pub use format::{METRICS_FILE, RUNS_FILE};
pub use last::{are_in, leave, lent, read_epochs, read_runs};
use own::Stamp;
use places::Places;
pub(super) use seal::{digest_of, seal};
pub use trouble::Trouble;

/// The two tables of a results folder, in memory; [`Tables::write`] puts them on disk.
#[derive(Debug, Default)]
pub struct Tables {
    folder: PathBuf,
    axes: Vec<Axis>,
    order: Vec<String>,
    /// Of every run that has rows.
    places: Places,
    /// By their places.
    runs: Vec<RunRow>,
    /// By the places of their runs, and in their order.
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
            places: Places::of(order),
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
        self.epochs[self.range_of(id)].to_vec()
    }

    /// Where the rows of a run's epochs are.
    fn range_of(&self, id: &str) -> Range<usize> {
        let place = self.places.at(id);
        let at = |row: &EpochRow| self.places.at(&row.run);
        let start = self.epochs.partition_point(|row| at(row) < place);
        let count = self.epochs[start..].partition_point(|row| at(row) <= place);
        start..start + count
    }

    /// Leaves a run to what other processes write of it.
    pub fn give_back(&mut self, id: &str) {
        self.changed.remove(id);
    }

    /// As [`Self::give_back`], of a run that has ended and whose rows here were just written into its folder, under the claim
    /// with this token: they are not read again as long as they stay there.
    pub fn give_back_written(&mut self, id: &str, token: &Token) {
        self.give_back(id);
        let stamp = Stamp::of(&run_folder(&self.folder, id)).ok().flatten();
        if let Some(stamp) = stamp.filter(|_| token.check().is_ok()) {
            self.own.insert(id.to_owned(), stamp.known());
        }
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
        self.find(id).ok().and_then(|at| self.runs.get(at))
    }

    /// Where the row of this run is, or would be.
    fn find(&self, id: &str) -> Result<usize, usize> {
        let place = self.places.at(id);
        self.runs
            .binary_search_by_key(&place, |row| self.places.at(&row.run))
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
        let place = (self.places.give(&row.run), row.epoch.epoch);
        let at = |row: &EpochRow| (self.places.at(&row.run), row.epoch.epoch);
        match self.epochs.binary_search_by_key(&place, at) {
            Ok(at) => self.epochs[at] = row,
            Err(at) => self.epochs.insert(at, row),
        }
    }

    /// Adds a row, in place of an earlier one of the same run.
    pub fn set_run(&mut self, row: RunRow) {
        self.changed.insert(row.run.clone());
        self.places.give(&row.run);
        match self.find(&row.run) {
            Ok(at) => self.runs[at] = row,
            Err(at) => self.runs.insert(at, row),
        }
    }

    /// Takes a run out of both tables.
    pub fn remove_run(&mut self, id: &str) {
        self.changed.insert(id.to_owned());
        if let Ok(at) = self.find(id) {
            self.runs.remove(at);
        }
        self.epochs.drain(self.range_of(id));
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

    /// The rows of the sweep's runs, where `open` was given its order.
    pub fn of_sweep(&self) -> &[RunRow] {
        let is_of_it = |row: &RunRow| self.places.at(&row.run) < self.order.len();
        &self.runs[..self.runs.partition_point(is_of_it)]
    }

    /// Puts rows in the order of the sweep and of the epochs; a run without a place comes after, where it stood.
    fn sort(&mut self) {
        let of_epochs = self.epochs.iter().map(|row| &row.run);
        for id in self.runs.iter().map(|row| &row.run).chain(of_epochs) {
            self.places.give(id);
        }
        let places = &self.places;
        self.runs.sort_by_cached_key(|row| places.at(&row.run));
        self.epochs
            .sort_by_cached_key(|row| (places.at(&row.run), row.epoch.epoch));
    }
}
