//! A run's own tables, in its own folder: its row of `runs.parquet` and its rows of `metrics.parquet`.
//!
//! They are what is known of the run. Only the process that holds the run's claim writes them, after every epoch and
//! when the run begins and ends; the experiment's tables are made from them.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::axis::{AxisColumn, Points, completed};
use super::file::{self, encode, put, put_for_now, value_of};
use super::{METRICS_FILE, RUNS_FILE, TableError, encode as columns};
use crate::claim::Token;
use crate::store::folder::runs_folder;
use crate::store::rows::{Axis, EpochRow, RunRow};

/// Where it stands among the file's own key-value pairs how the process that has the run began it; absent once the run
/// has ended.
const START_KEY: &str = "runner.start";

/// A file that was changed so short a time before it was looked at may change again without its times showing it.
const SETTLED: Duration = Duration::from_secs(2);

/// The rows of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnRows {
    pub row: RunRow,
    pub epochs: Vec<EpochRow>,
    /// What [`write_row`] was given of the run's start, where it has not ended since.
    pub start: Option<String>,
}

/// Writes a run's row into its folder, as long as the claim on it is held; with what is to be known of its start until it
/// has ended.
///
/// # Errors
/// A folder that cannot be written, and a run that another process has taken over.
pub fn write_row(
    folder: &Path,
    axes: &[Axis],
    row: &RunRow,
    start: Option<&str>,
    token: &Token,
) -> Result<(), TableError> {
    let path = folder.join(RUNS_FILE);
    let axes = AxisColumn::all(axes, [&row.point].into_iter());
    let start = start.map(|start| (START_KEY, start.to_owned()));
    let frame = columns::runs(
        &axes,
        &Points::new(&axes, std::slice::from_ref(row)),
        std::slice::from_ref(row),
    );
    let has_ended = start.is_none();
    let bytes = encode(&path, frame, start)?;
    match has_ended {
        true => put(&path, &bytes, token),
        // As long as it has not ended, a run that loses it begins again from its checkpoint.
        false => put_for_now(&path, &bytes, token),
    }
}

/// Writes the rows of a run's epochs into its folder, as long as the claim on it is held. Their file outlasts a power failure
/// once the row of a run that has ended is written after them; until then its checkpoint has them too.
///
/// # Errors
/// As [`write_row`].
pub fn write_epochs(
    folder: &Path,
    axes: &[Axis],
    epochs: &[EpochRow],
    token: &Token,
) -> Result<(), TableError> {
    let path = folder.join(METRICS_FILE);
    let axes = AxisColumn::all(axes, epochs.iter().map(|row| &row.point));
    let frame = columns::epochs(&axes, &Points::new(&axes, &[]), epochs);
    put_for_now(&path, &encode(&path, frame, None)?, token)
}

/// What a run's folder says of it; none where it says nothing yet, or of another run only.
///
/// # Errors
/// A file that cannot be read, is damaged, or has another format.
pub fn read(folder: &Path, axes: &[Axis]) -> Result<Option<OwnRows>, TableError> {
    let Some((runs, metadata)) = file::read(&folder.join(RUNS_FILE))? else {
        return Ok(None);
    };
    let is_own = |run: &str| folder.file_name().is_some_and(|name| name == run);
    let mut rows = runs.runs(axes)?.into_iter();
    let Some(mut row) = rows.find(|row| is_own(&row.run)) else {
        return Ok(None);
    };
    let epochs = file::read(&folder.join(METRICS_FILE))?;
    let epochs = epochs.map_or(Ok(Vec::new()), |(epochs, _)| epochs.epochs(axes))?;
    let mut epochs: Vec<EpochRow> = epochs.into_iter().filter(|e| is_own(&e.run)).collect();
    row.point = completed(&row.point, &row.spec, axes);
    for epoch in &mut epochs {
        epoch.point.clone_from(&row.point);
    }
    Ok(Some(OwnRows {
        epochs,
        row,
        start: value_of(&metadata, START_KEY),
    }))
}

/// When a run's files were written, so that they are read again only where they have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    files: [Option<FileStamp>; 2],
    /// Whether a later change would show.
    settled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileStamp {
    len: u64,
    modified: Option<SystemTime>,
    /// Its number in the file system and the time that the system itself notes.
    inode: (u64, i64, i64),
}

impl FileStamp {
    fn of(about: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            (about.ino(), about.ctime(), about.ctime_nsec())
        };
        #[cfg(not(unix))]
        let inode = (0, 0, 0);
        FileStamp {
            len: about.len(),
            modified: about.modified().ok(),
            inode,
        }
    }

    fn is_settled(&self) -> bool {
        let age = self.modified.and_then(|time| time.elapsed().ok());
        age.is_some_and(|age| age > SETTLED)
    }
}

impl Stamp {
    /// Of the files in a run's folder; none where there is no row.
    pub fn of(folder: &Path) -> Result<Option<Self>, TableError> {
        let stamp = |file: &str| {
            let path = folder.join(file);
            match fs::metadata(&path) {
                Ok(about) => Ok(Some(FileStamp::of(&about))),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    Ok(None)
                }
                Err(source) => Err(TableError::read(&path)(source)),
            }
        };
        let files = [stamp(RUNS_FILE)?, stamp(METRICS_FILE)?];
        let settled = files.iter().flatten().all(FileStamp::is_settled);
        Ok(files[0].is_some().then_some(Stamp { files, settled }))
    }

    /// The same, of files that were just written under a claim that is still held, with the last that is said of the run:
    /// whoever does it anew needs longer than until a change shows.
    pub fn known(self) -> Self {
        Stamp {
            settled: true,
            ..self
        }
    }

    /// Whether what was read when this was known to be so is still what is there.
    pub fn still_holds(&self, now: &Stamp) -> bool {
        self.settled && self.files == now.files
    }
}

/// The runs that have rows of their own in an experiment's folder.
///
/// # Errors
/// Folders that cannot be read.
pub(super) fn all(experiment: &Path) -> Result<BTreeMap<String, (PathBuf, Stamp)>, TableError> {
    let folder = runs_folder(experiment);
    let entries = match fs::read_dir(&folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(TableError::read(&folder))?,
    };
    let mut all = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(TableError::read(&folder))?;
        let (path, Ok(name)) = (entry.path(), entry.file_name().into_string()) else {
            continue;
        };
        if let Some(stamp) = Stamp::of(&path)? {
            all.insert(name, (path, stamp));
        }
    }
    Ok(all)
}
