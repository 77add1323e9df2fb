//! When a run's checkpoints are written, and by whom it is stopped.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Checkpoint, Error, Folder};
use crate::model::Network;
use crate::stop::Stop;
use crate::train::state::State;

/// Keeps one run's checkpoints.
pub struct Keeper {
    folder: Folder,
    every: Duration,
    last: Instant,
    stop: Stop,
}

impl Keeper {
    /// Keeps them in `folder`: after every epoch, every so many minutes inside one, and when `stop` is wished.
    pub fn new(folder: PathBuf, minutes: f64, stop: Stop) -> Self {
        Keeper {
            folder: Folder::new(folder),
            every: Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::MAX),
            last: Instant::now(),
            stop,
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

    /// Writes a checkpoint. What fails is said; training goes on, and the next one is tried.
    pub(in crate::train) fn save(
        &mut self,
        state: &State,
        network: &Network,
    ) -> Result<(), crate::train::Error> {
        let result = state.with_tensors(network, |tensors, text| self.folder.add(tensors, text))?;
        if let Err(error) = result {
            tracing::warn!("{error}; training goes on, and the next checkpoint is tried");
        }
        self.last = Instant::now();
        Ok(())
    }
}
