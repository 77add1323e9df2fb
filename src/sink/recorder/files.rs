//! The files of one run while it is this process's: its rows and its log.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde_json::Value;

use super::unwritten::Unwritten;
use crate::claim::{Claim, Token};
use crate::data::Data;
use crate::sink::error::Error;
use crate::sink::list::Sinks;
use crate::store::deaths::Start;
use crate::store::tables::own::{self, OwnRows};
use crate::store::{Axis, EpochRow, RunLog, RunRow, TableError, splits};

/// What a run in progress writes into its folder.
pub(super) struct Files {
    folder: PathBuf,
    axes: Vec<Axis>,
    token: Token,
    /// None once the run has ended.
    claim: Option<Claim>,
    log: RunLog,
    pub epochs: Vec<EpochRow>,
    /// How many of them are in the folder, where that is known.
    written: Option<usize>,
    /// How the images are divided, until that is written.
    splits: Option<Vec<u8>>,
    /// What is to be known of this start should the process die.
    how: Start,
    /// What the run had come to when it was begun here: its epochs, and when it first began.
    begun: (usize, SystemTime),
}

/// Files that events from several threads may be about.
pub(super) type Shared = Arc<Mutex<Files>>;

pub(super) fn lock(files: &Shared) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files {
    /// Those in a claimed folder of a run that has come to this row and these epochs; the row is written.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn begin(
        folder: PathBuf,
        claim: Claim,
        how: Start,
        (row, epochs): (&RunRow, Vec<EpochRow>),
        axes: &[Axis],
    ) -> Result<Self, Error> {
        let path = folder.join("log.jsonl");
        let log = RunLog::append_to(&path, claim.token()).map_err(Error::io(&path))?;
        let files = Files {
            folder,
            axes: axes.to_vec(),
            token: claim.token().clone(),
            claim: Some(claim),
            log,
            epochs,
            written: None,
            splits: None,
            how,
            begun: (row.epochs, row.started),
        };
        files.write_row(row)?;
        Ok(files)
    }

    /// Whether another process has taken this one for dead, and the run over.
    pub fn is_lost(&self) -> bool {
        let _ = self.token.check();
        self.token.is_lost()
    }

    /// Whether the run has come to what it had come to when it was begun here, which is written already.
    pub fn is_as_begun(&self, row: &RunRow) -> bool {
        self.begun == (row.epochs, row.started)
    }

    fn write_row(&self, row: &RunRow) -> Result<(), TableError> {
        let how = self.how.to_text();
        own::write_row(&self.folder, &self.axes, row, Some(&how), &self.token)
    }

    /// Takes what was done of the run before in the place of what was known.
    pub fn set_epochs(&mut self, epochs: Vec<EpochRow>) {
        self.epochs = epochs;
        self.written = None;
    }

    /// Writes how the run's images are divided, which no start changes.
    pub fn set_splits(&mut self, data: &Data, sinks: &Sinks<'_>) {
        match splits::encode(&self.folder, data) {
            Ok(bytes) => self.splits = Some(bytes),
            Err(error) => sinks.warn(&error.to_string()),
        }
        self.write_splits(sinks);
    }

    /// Writes how the run's images are divided, where that is not done; what fails is said, and tried again later.
    pub fn write_splits(&mut self, sinks: &Sinks<'_>) {
        let Some(bytes) = self.splits.take() else {
            return;
        };
        if let Err(error) = splits::write(&self.folder, &bytes, &self.token)
            && !self.token.is_lost()
        {
            sinks.warn(&format!(
                "{error}; training continues, and the write is retried"
            ));
            self.splits = Some(bytes);
        }
    }

    /// Writes the run's rows; what fails is said, and tried again after the next epoch.
    pub fn write_rows(&mut self, row: &RunRow, sinks: &Sinks<'_>) {
        let epochs = own::write_epochs(&self.folder, &self.axes, &self.epochs, &self.token);
        self.written = epochs.is_ok().then_some(self.epochs.len());
        if let Err(error) = epochs.and_then(|()| self.write_row(row))
            && !self.token.is_lost()
        {
            sinks.warn(&format!(
                "{error}; training continues, and the write is retried"
            ));
        }
    }

    /// Adds a line to the run's log; what fails is said.
    pub fn log(&mut self, run: &str, (event, fields): (&str, Value), sinks: &Sinks<'_>) {
        if let Err(error) = self.log.event(event, fields)
            && !self.token.is_lost()
        {
            sinks.warn(&format!("log.jsonl of {run}: {error}"));
        }
    }

    /// Writes that the run is not begun any more.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn give_up(mut self, row: &RunRow) -> Result<(), Error> {
        self.how = self.how.given_up();
        Ok(self.write_row(row)?)
    }

    /// The last rows of the run, to be written with its claim, which is given back then; none where another process has
    /// the run.
    pub fn end(&mut self, row: &RunRow) -> Option<Unwritten> {
        let claim = self.claim.take().filter(|_| !self.token.is_lost())?;
        Some(Unwritten {
            has_epochs: self.written == Some(self.epochs.len()),
            rows: OwnRows {
                row: row.clone(),
                epochs: std::mem::take(&mut self.epochs),
                start: None,
            },
            folder: self.folder.clone(),
            claim,
        })
    }
}
