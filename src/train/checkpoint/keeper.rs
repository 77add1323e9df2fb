//! When a run's checkpoints are written, and by whom it is stopped.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Checkpoint, Error, Folder};
use crate::claim::Token;
use crate::model::Network;
use crate::stop::Stop;
use crate::train::held::Held;
use crate::train::state::State;

/// A copy of the state is written while training continues; one of more bytes before the next batch, which needs the
/// memory.
pub const WRITTEN_ASIDE: u64 = 4 << 20;

/// A checkpoint on its way to the disk.
struct Writing {
    bytes: u64,
    thread: JoinHandle<Result<(), Error>>,
}

/// Keeps one run's checkpoints.
pub struct Keeper {
    folder: Folder,
    every: Duration,
    last: Instant,
    stop: Stop,
    /// After how many epochs the run is held.
    until: Option<usize>,
    /// Shows that the run is still this process's.
    token: Token,
    /// The checkpoint that is being written, while training continues.
    writing: Option<Writing>,
}

impl Keeper {
    /// Keeps them in `folder`: after every epoch, every so many minutes inside one, and when `stop` is wished.
    ///
    /// Nothing is written any more once `token` is not valid.
    pub fn new(folder: PathBuf, minutes: f64, stop: Stop, token: Token) -> Self {
        Keeper {
            folder: Folder::new(folder, token.clone()),
            every: Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::MAX),
            last: Instant::now(),
            stop,
            until: None,
            token,
            writing: None,
        }
    }

    /// The same, for a run that is held after so many epochs.
    pub fn until(mut self, epochs: Option<usize>) -> Self {
        self.until = epochs;
        self
    }

    /// Whether a run of so many epochs goes on.
    ///
    /// # Errors
    /// Where it is held.
    pub fn check_epochs(&self, epochs: usize) -> Result<(), Held> {
        match self.until {
            Some(until) if epochs >= until => Err(Held { epochs }),
            _ => Ok(()),
        }
    }

    /// Whether the run is to stop.
    pub(in crate::train) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The newest checkpoint that can be used.
    pub(in crate::train) fn newest(&self) -> Result<Option<(PathBuf, Checkpoint)>, Error> {
        self.folder.newest()
    }

    /// Whether a checkpoint inside the epoch is due.
    pub(in crate::train) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.every
    }

    /// Copies the state and writes it to a checkpoint while training continues, once the one before is written. What fails
    /// is said; the next one is tried.
    pub(in crate::train) fn save(
        &mut self,
        state: &State,
        network: &Network,
    ) -> Result<(), crate::train::Error> {
        self.finish();
        if self.token.is_lost() {
            return Ok(());
        }
        let checkpoint = state.checkpoint(network)?;
        let bytes = checkpoint.bytes();
        let folder = self.folder.clone();
        let write = move || folder.add(&checkpoint);
        match thread::Builder::new()
            .name("checkpoint".into())
            .spawn(write)
        {
            Ok(thread) => self.writing = Some(Writing { bytes, thread }),
            Err(error) => tracing::warn!("no thread to write a checkpoint with: {error}"),
        }
        self.last = Instant::now();
        Ok(())
    }

    /// Waits until a large checkpoint is written, whose copy takes memory that is needed.
    pub(in crate::train) fn make_room(&mut self) {
        let is_large = |writing: &Writing| writing.bytes > WRITTEN_ASIDE;
        if self.writing.as_ref().is_some_and(is_large) {
            self.finish();
        }
    }

    /// Waits until the last checkpoint is written.
    pub(in crate::train) fn finish(&mut self) {
        let written = self.writing.take().map(|writing| writing.thread.join());
        let why = match written {
            None | Some(Ok(Ok(()))) => return,
            // The run stops, and says so.
            Some(Ok(Err(_))) if self.token.is_lost() => return,
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(_)) => "a checkpoint could not be written: its thread panicked".into(),
        };
        tracing::warn!("{why}; training continues, and the next checkpoint is tried");
    }
}

/// Also where the run fails: whoever resumes it finds whole files.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.finish();
    }
}
