//! Whether a run can fit into memory, beside those that go on, before it takes any.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::plan::PlannedRun;
use crate::data::Data;
use crate::features::{self, Split};
use crate::optim;
use crate::stop::Stop;

/// A run that waits for room looks this often whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// What a run on the CPU needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub images: u64,
    pub weights: u64,
    /// Gradients and the optimizer's slots.
    pub training_state: u64,
    /// Values kept for the backward pass of a batch.
    pub batch: u64,
    pub batch_size: usize,
    /// Kept outputs of the frozen part.
    pub features: u64,
}

impl Need {
    pub fn of(planned: &PlannedRun, data: &Data) -> Self {
        let spec = &planned.run.spec;
        let images = Split::ALL.map(|split| split.of(data).len());
        let most = images.into_iter().max().unwrap_or(0);
        let batch_size = spec.training.batch_size.min(most);
        let cost = planned.blueprint.cost(optim::slots(&spec.optimizer));
        let stored = Split::ALL.map(|split| split.of(data).images.data.len() as u64);
        Need {
            images: stored.iter().sum(),
            weights: cost.weights,
            training_state: cost.training_state,
            batch: cost.activations.saturating_mul(batch_size as u64),
            batch_size,
            features: features::memory(spec, &planned.blueprint, images, true),
        }
    }

    fn all(&self) -> u64 {
        let parts = [self.weights, self.training_state, self.batch, self.features];
        parts.into_iter().fold(self.images, u64::saturating_add)
    }
}

/// What the runs that go on take of the machine's memory.
#[derive(Debug)]
pub(super) struct Memory {
    /// In bytes, where it is known.
    there: Option<u64>,
    taken: Mutex<u64>,
    given_back: Condvar,
}

/// A run's part of the memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Room<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl Memory {
    pub fn new(there: Option<u64>) -> Self {
        Memory {
            there,
            taken: Mutex::new(0),
            given_back: Condvar::new(),
        }
    }

    /// Room for a run, once the others leave it.
    ///
    /// # Errors
    /// More than there is: how much that is. [`Error::Interrupted`] where the run is stopped while it waits.
    pub fn room(&self, need: Need, stop: &Stop) -> Result<Room<'_>, Error> {
        let bytes = need.all();
        let there = self.there.unwrap_or(u64::MAX);
        if bytes > there {
            return Err(TooMuch { need, there }.into());
        }
        let mut taken = self.taken();
        while taken.saturating_add(bytes) > there {
            stop.check()?;
            let woken = self.given_back.wait_timeout(taken, LOOK);
            taken = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken += bytes;
        Ok(Room {
            memory: self,
            bytes,
        })
    }

    fn taken(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        *self.memory.taken() -= self.bytes;
        self.memory.given_back.notify_all();
    }
}

/// A run that cannot fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    need: Need,
    there: u64,
}

impl std::error::Error for TooMuch {}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u64| format!("{:.2} GiB", bytes as f64 / f64::from(1 << 30));
        let need = &self.need;
        write!(
            f,
            "the run needs about {} of memory (images {}, weights {}, gradients and optimizer {}, values of a batch \
             of {} {}, kept features {}), and there is {}; lower training.batch_size, backbone.input_size or \
             features.memory",
            gib(need.all()),
            gib(need.images),
            gib(need.weights),
            gib(need.training_state),
            need.batch_size,
            gib(need.batch),
            gib(need.features),
            gib(self.there)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(images: u64) -> Need {
        Need {
            images,
            weights: 0,
            training_state: 0,
            batch: 0,
            batch_size: 1,
            features: 0,
        }
    }

    #[test]
    fn a_run_waits_for_room_and_is_refused_where_there_can_be_none() {
        let memory = Memory::new(Some(10));
        let stop = Stop::default();
        let first = memory.room(need(6), &stop).unwrap();
        let second = memory.room(need(4), &stop).unwrap();
        assert!(matches!(
            memory.room(need(11), &stop),
            Err(Error::Memory(_))
        ));
        std::thread::scope(|scope| {
            let third = scope.spawn(|| memory.room(need(5), &stop).map(|_| ()));
            drop(first);
            third.join().unwrap().unwrap();
        });
        drop(second);
        assert_eq!(*memory.taken(), 0);
        let _all = memory.room(need(10), &stop).unwrap();
        stop.flag()
            .store(true, std::sync::atomic::Ordering::Relaxed);
        let error = memory.room(need(1), &stop).unwrap_err();
        assert!(error.is_interruption());
    }
}
