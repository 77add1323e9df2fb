//! What is made from the runs' folders: the experiment's tables and its predictions, and what sinks make of those.
//!
//! They are written under a lock on the experiment's folder, by every process that does runs. A process that slept and
//! finds its lock taken over while it wrote does it again from what is there by then; since all of it is made from the
//! runs' folders, whoever writes last writes what is true. As nothing is lost with them, they need not be written after
//! every epoch: writing them, and waiting for others that do, may take a tenth of the time.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::experiment::{Recorder, State};
use crate::claim::{Claim, is_taken_over};
use crate::foreign;
use crate::sink::error::Error;
use crate::sink::event::{Event, Written};
use crate::sink::list::Sinks;
use crate::store::tidy::tidy_experiment;
use crate::store::{self, TableError, predictions};

/// The tables are written again after so many times as long as that took: of thousands of runs each writing takes long, and
/// must not take much of the time.
const TABLES_PAUSE: u32 = 30;
/// But at least so often,
const TABLES_EVERY: Duration = Duration::from_secs(30);
/// where that is not much of the time either.
const TABLES_LEAST: u32 = 15;
/// How often a lock that is taken over while it is held is taken again.
const TRIES: usize = 5;

impl Recorder {
    /// Writes the tables and the report where it is time; what fails is said and tried again later.
    pub(super) fn update(&self, state: &mut State, sinks: &Sinks<'_>) {
        let mut result = self.write_unwritten(state);
        if result.is_ok() && Instant::now() >= state.tables_due {
            result = self.write(state, false, sinks);
        }
        if let Err(error) = result {
            sinks.warn(&format!(
                "{error}; training continues, and the write is retried"
            ));
        }
    }

    /// Writes everything for the last time. A lock that is not to be had before the work stops is no error, as the rows
    /// are in the runs' folders.
    pub(super) fn write_end(&self, state: &mut State, sinks: &Sinks<'_>) -> Result<(), Error> {
        self.write_unwritten(state)?;
        match self.write(state, true, sinks) {
            Err(Error::Store(store::Error::Io { path, source }))
                if source.kind() == ErrorKind::Interrupted =>
            {
                let path = foreign::path(&path);
                sinks.warn(&format!(
                    "the tables in {path} are not up to date: {source}; the next start writes them"
                ));
                Ok(())
            }
            result => result,
        }
    }

    /// Writes the rows of runs that ended while that was not possible.
    fn write_unwritten(&self, state: &mut State) -> Result<(), Error> {
        while let Some(unwritten) = state.unwritten.last() {
            let written = unwritten.write(&self.axes);
            if !unwritten.claim.token().is_lost() {
                written?;
            }
            if let Some(unwritten) = state.unwritten.pop() {
                state.tables.give_back(&unwritten.rows.row.run);
            }
        }
        Ok(())
    }

    fn write(&self, state: &mut State, is_end: bool, sinks: &Sinks<'_>) -> Result<(), Error> {
        let start = Instant::now();
        let mut result = self.write_locked(state, is_end, sinks);
        for _ in 1..TRIES {
            if !matches!(result, Ok(false)) {
                break;
            }
            result = self.write_locked(state, is_end, sinks);
        }
        // The first epoch is shown at once.
        let was_written = std::mem::replace(&mut state.is_written, true);
        let took = start.elapsed();
        let often = TABLES_EVERY.max(took * TABLES_LEAST);
        let pause = often.min(took * TABLES_PAUSE);
        state.tables_due = Instant::now() + if was_written { pause } else { Duration::ZERO };
        result.map(|_| ())
    }

    /// Gives whether the lock was held until the end.
    fn write_locked(
        &self,
        state: &mut State,
        is_end: bool,
        sinks: &Sinks<'_>,
    ) -> Result<bool, Error> {
        let lock = self.claims.lock(&self.folder, &self.stop);
        let lock = lock.map_err(Error::io(&self.folder))?;
        let written = self.write_all(state, is_end, &lock, sinks);
        // What was written last may have been older than what the other process wrote.
        let slept = lock
            .token()
            .check()
            .is_err_and(|error| is_taken_over(&error));
        if slept {
            Ok(false)
        } else {
            written.map(|()| true)
        }
    }

    fn write_all(
        &self,
        state: &mut State,
        is_end: bool,
        lock: &Claim,
        sinks: &Sinks<'_>,
    ) -> Result<(), Error> {
        tidy_experiment(&self.folder).map_err(Error::io(&self.folder))?;
        state.tables.refresh()?;
        self.tell_damage(state, sinks)?;
        let is_new = state.tables.write_claimed(lock.token())?;
        let collected = match is_end {
            true => self.collect(state, lock),
            false => Ok(()),
        };
        let tables = Event::Tables(Written {
            folder: &self.folder,
            is_last: is_end,
            is_known: state.is_shared && !is_new,
        });
        store::lent_tables(&mut state.tables, || sinks.event(&tables)).map_err(Error::Sink)?;
        collected
    }

    /// Puts the predictions of all finished runs together.
    fn collect(&self, state: &State, lock: &Claim) -> Result<(), Error> {
        let finished = self.finished(&state.tables)?;
        predictions::collect(&self.folder, &finished, lock.token())?;
        Ok(())
    }

    /// Says which files were found damaged, once, and moves aside what must not be written over; gives whether there were
    /// any.
    pub(super) fn tell_damage(
        &self,
        state: &mut State,
        sinks: &Sinks<'_>,
    ) -> Result<bool, TableError> {
        let all = state.tables.take_trouble();
        for trouble in &all {
            trouble.set_aside()?;
            let text = trouble.to_string();
            if !state.said.contains(&text) {
                sinks.warn(&text);
                state.said.insert(text);
            }
        }
        Ok(!all.is_empty())
    }
}
