//! `metrics.parquet` and `runs.parquet`: a row a run and epoch, and a row a run.

mod axis;
mod decode;
mod encode;
mod seal;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io::{self, Cursor, ErrorKind};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{
    DataFrame, FileMetadata, KeyValueMetadata, ParquetReader, ParquetWriter, SerReader,
};

use super::Results;
use super::rows::{Axis, EpochRow, RunRow};
use crate::atomic::write_atomically;
use crate::parquet;
use axis::AxisColumn;
use decode::Decoder;
use seal::Seal;
pub(super) use seal::seal;

/// The table with a row a run and epoch.
pub const METRICS_FILE: &str = "metrics.parquet";
/// The table with a row a run.
pub const RUNS_FILE: &str = "runs.parquet";

/// Changes with what the tables and ids of runs mean. 1, of version 0.1.0, was not written down.
const FORMAT: &str = "2";
/// Where the format stands among a Parquet file's own key-value pairs.
const FORMAT_KEY: &str = "runner.format";

/// Why a table cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("cannot read {path}: {source}", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path} is not a table of this runner, or damaged: {why}; move it away, or choose another results folder",
        path = path.display()
    )]
    Foreign { path: PathBuf, why: String },
    #[error(
        "{path} was made by another version of the runner (format {found}, this one's is {FORMAT}); go on with that \
         version, move the folder away, or choose another one with --results",
        path = path.display()
    )]
    Format { path: PathBuf, found: String },
    #[error("cannot write {path}: {source}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot make {path}: {why}", path = path.display())]
    Encode { path: PathBuf, why: String },
}

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
    /// The bytes of each file as it was last written or read.
    written: HashMap<&'static str, Vec<u8>>,
}

impl Tables {
    /// The tables in `folder`: what is there is read back, what is missing is empty. Nothing is written yet.
    ///
    /// `order` gives the ids of the sweep's runs; rows are kept in that order. Rows of other runs — of an earlier
    /// form of the experiment — stay after them, with the columns of axes that are no longer swept.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, is not one of this runner's tables, or has another format.
    pub fn open(folder: &Path, axes: &[Axis], order: &[String]) -> Result<Self, TableError> {
        let (runs, epochs) = read_both(folder, axes)?;
        let mut tables = Tables {
            folder: folder.to_owned(),
            axes: axes.to_vec(),
            order: order.to_vec(),
            runs,
            epochs,
            changed: HashSet::new(),
            written: HashMap::new(),
        };
        tables.sort();
        Ok(tables)
    }

    /// Takes the rows that other processes have written since: of every run that is on disk and was not changed here.
    ///
    /// # Errors
    /// As [`Tables::open`].
    pub fn refresh(&mut self) -> Result<(), TableError> {
        if self.is_as_written() {
            return Ok(());
        }
        let (mut runs, mut epochs) = read_both(&self.folder, &self.axes)?;
        runs.retain(|row| !self.changed.contains(&row.run));
        let theirs: HashSet<String> = runs.iter().map(|row| row.run.clone()).collect();
        epochs.retain(|row| theirs.contains(&row.run));
        self.epochs.retain(|row| !theirs.contains(&row.run));
        self.epochs.append(&mut epochs);
        for row in runs {
            self.put_run(row);
        }
        self.written.clear();
        self.sort();
        Ok(())
    }

    /// Whether nobody else has written since.
    fn is_as_written(&self) -> bool {
        [METRICS_FILE, RUNS_FILE].iter().all(|file| {
            let written = self.written.get(file);
            written.is_some_and(|bytes| {
                std::fs::read(self.folder.join(file)).is_ok_and(|found| found == *bytes)
            })
        })
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

    /// The rows of the sweep's runs, under the experiment's name; of all runs where `open` was given no order.
    pub fn results<'a>(&'a self, name: &'a str) -> Results<'a> {
        let wanted: HashSet<&str> = self.order.iter().map(String::as_str).collect();
        let is_wanted = |id: &str| wanted.is_empty() || wanted.contains(id);
        Results {
            name,
            axes: &self.axes,
            runs: self.runs.iter().filter(|r| is_wanted(&r.run)).collect(),
            epochs: self.epochs.iter().filter(|r| is_wanted(&r.run)).collect(),
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

    /// Takes the epochs of a run after `last` out, as a run that goes on from there will do them again.
    pub fn remove_epochs_after(&mut self, id: &str, last: usize) {
        self.changed.insert(id.to_owned());
        self.epochs
            .retain(|row| row.run != id || row.epoch.epoch <= last);
    }

    /// Writes both files, each whole or not at all; one that is there already with the same bytes is left alone.
    ///
    /// # Errors
    /// When the folder is missing or cannot be written; the files are then as they were.
    pub fn write(&mut self) -> Result<(), TableError> {
        let epoch_points = self.epochs.iter().map(|row| &row.point);
        let run_points = self.runs.iter().map(|row| &row.point);
        let axes = AxisColumn::all(&self.axes, epoch_points.chain(run_points));
        let (epochs, runs) = (
            encode::epochs(&axes, &self.epochs),
            encode::runs(&axes, &self.runs),
        );
        self.put(METRICS_FILE, epochs)?;
        self.put(RUNS_FILE, runs)
    }

    fn put(
        &mut self,
        file: &'static str,
        frame: polars::error::PolarsResult<DataFrame>,
    ) -> Result<(), TableError> {
        let path = self.folder.join(file);
        let mut bytes = Vec::new();
        frame
            .and_then(|mut frame| {
                ParquetWriter::new(&mut bytes)
                    .with_key_value_metadata(Some(file_metadata(None)))
                    .finish(&mut frame)
            })
            .map_err(|e| TableError::Encode {
                path: path.clone(),
                why: e.to_string(),
            })?;
        let cannot_write = |source| TableError::Write {
            path: path.clone(),
            source,
        };
        seal(&mut Cursor::new(&mut bytes)).map_err(cannot_write)?;
        if self.written.get(file) == Some(&bytes) && path.exists() {
            return Ok(());
        }
        write_atomically(&path, &bytes).map_err(cannot_write)?;
        self.written.insert(file, bytes);
        Ok(())
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

/// The rows of `runs.parquet` in a results folder; none where there is no such table yet.
///
/// # Errors
/// As [`Tables::open`].
pub fn read_runs(folder: &Path) -> Result<Vec<RunRow>, TableError> {
    read(&folder.join(RUNS_FILE))?.map_or(Ok(Vec::new()), |table| table.runs(&[]))
}

/// The rows of `metrics.parquet` in a results folder; none where there is no such table yet.
///
/// # Errors
/// As [`Tables::open`].
pub fn read_epochs(folder: &Path) -> Result<Vec<EpochRow>, TableError> {
    read(&folder.join(METRICS_FILE))?.map_or(Ok(Vec::new()), |table| table.epochs(&[]))
}

/// A table file's own key-value pairs: the format, and one more.
pub(super) fn file_metadata(more: Option<(&str, String)>) -> KeyValueMetadata {
    let mut pairs = vec![(FORMAT_KEY.to_owned(), FORMAT.to_owned())];
    pairs.extend(more.map(|(key, value)| (key.to_owned(), value)));
    KeyValueMetadata::from_static(pairs)
}

/// What a file says under a key of its own.
pub(super) fn value_of(metadata: &FileMetadata, key: &str) -> Option<String> {
    let pairs = metadata.key_value_metadata().as_ref()?;
    let pair = pairs.iter().find(|pair| pair.key == key)?;
    pair.value.clone()
}

/// The rows of both tables; none where there are none.
fn read_both(folder: &Path, axes: &[Axis]) -> Result<(Vec<RunRow>, Vec<EpochRow>), TableError> {
    let decode = |file: &str| read(&folder.join(file));
    let epochs = decode(METRICS_FILE)?.map_or(Ok(Vec::new()), |d| d.epochs(axes))?;
    let runs = decode(RUNS_FILE)?.map_or(Ok(Vec::new()), |d| d.runs(axes))?;
    Ok((runs, epochs))
}

fn read(path: &Path) -> Result<Option<Decoder>, TableError> {
    let Some((metadata, frame)) = read_table(path)? else {
        return Ok(None);
    };
    let format = value_of(&metadata, FORMAT_KEY);
    Decoder::new(path, frame).checked(format).map(Some)
}

/// A table with the file's own words about it; none where there is no file.
pub(super) fn read_table(
    path: &Path,
) -> Result<Option<(Arc<FileMetadata>, DataFrame)>, TableError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(TableError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let table = match seal::check(&bytes) {
        Seal::Broken => Err("its checksum is wrong".into()),
        // polars panics on some damaged files.
        _ => catch_unwind(|| decode(&bytes)).unwrap_or_else(|_| Err("it cannot be decoded".into())),
    };
    table.map(Some).map_err(|why| TableError::Foreign {
        path: path.to_owned(),
        why,
    })
}

/// A whole file's table, and its words about it.
fn decode(bytes: &[u8]) -> Result<(Arc<FileMetadata>, DataFrame), String> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let metadata = reader.get_metadata().map_err(|e| e.to_string())?.clone();
    parquet::check_all(&mut Cursor::new(bytes), &metadata)?;
    let frame = reader.finish().map_err(|e| e.to_string())?;
    Ok((metadata, frame))
}
