//! Whether a run can fit into memory, beside those that go on, before it takes any.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::plan::PlannedRun;
use crate::data::{Counts, Data};
use crate::features;
use crate::graph::NEAR;
use crate::optim;
use crate::stop::Stop;

/// A run that waits for room looks this often whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// The program itself with its threads and what it reads tables and images with, as measured.
const PROGRAM: u64 = 48 << 20;
/// A forward pass over a chunk of images takes so many times its widest layer's values: input, output, and what the
/// convolution rearranges; the allocator of a thread keeps what it had.
const PASS: u64 = 4;

/// What a run on the CPU needs, in bytes, beside the program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub images: u64,
    pub weights: u64,
    /// Gradients and the optimizer's slots.
    pub training_state: u64,
    /// What is copied to be written: a checkpoint while training continues, the model at the end.
    pub copies: u64,
    /// A forward pass through the frozen part, to keep what it gives.
    pub pass: u64,
    /// Values kept for the backward pass of a batch.
    pub batch: u64,
    pub batch_size: usize,
    /// Kept outputs of the frozen part.
    pub features: u64,
}

impl Need {
    /// With a dataset in memory.
    pub fn of(planned: &PlannedRun, data: &Data) -> Self {
        Need {
            images: data.bytes(),
            ..Need::of_counts(planned, data.counts())
        }
    }

    /// Before anything is read, the images themselves left out; with `unknown` images in a part of which the number is
    /// not known.
    pub fn planned(planned: &PlannedRun, unknown: usize) -> Self {
        let counts = planned.images.unwrap_or(Counts {
            train: unknown,
            validation: unknown,
            test: unknown,
            ..Counts::default()
        });
        Need::of_counts(planned, counts)
    }

    fn of_counts(planned: &PlannedRun, images: Counts) -> Self {
        let (spec, blueprint) = (&planned.run.spec, &planned.blueprint);
        let most = images.train.max(images.validation).max(images.test) as u64;
        let batch_size = spec.training.batch_size.min(most as usize);
        let cost = blueprint.cost(optim::slots(&spec.optimizer));
        let features = features::memory(spec, blueprint, images, true);
        let chunk = NEAR
            .max(cost.constant)
            .min(cost.constant.saturating_mul(most));
        let once = features > 0 && features::may_be_kept(spec, blueprint);
        let each = if once { cost.trained } else { cost.activations };
        let batch = each.saturating_mul(batch_size as u64);
        Need {
            images: 0,
            weights: cost.weights,
            training_state: cost.training_state,
            // A checkpoint has the trained weights and the slots: as much as the gradients and the slots.
            copies: cost.training_state.max(cost.weights.saturating_sub(batch)),
            pass: if features > 0 {
                chunk.saturating_mul(PASS)
            } else {
                0
            },
            batch,
            batch_size,
            features,
        }
    }

    /// All of it, without the program itself.
    fn all(&self) -> u64 {
        let parts = [
            self.weights,
            self.training_state,
            self.copies,
            self.pass,
            self.batch,
            self.features,
        ];
        parts.into_iter().fold(self.images, u64::saturating_add)
    }

    /// All of it with the program itself: the most that the process takes for this run alone.
    pub fn peak(&self) -> u64 {
        self.all().saturating_add(PROGRAM)
    }
}

/// `weights 35 MiB, gradients and optimizer 106 MiB, …`
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_batch = format!("values of a batch of {}", self.batch_size);
        let parts = [
            ("the program", PROGRAM),
            ("images", self.images),
            ("weights", self.weights),
            ("gradients and optimizer", self.training_state),
            (&of_batch, self.batch),
            ("copies to be saved", self.copies),
            ("computing features", self.pass),
            ("kept features", self.features),
        ];
        let parts = parts.into_iter().filter(|(_, bytes)| *bytes > 0);
        let parts: Vec<String> = parts
            .map(|(what, bytes)| format!("{what} {}", size(bytes)))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

/// `1.25 GiB` or `48 MiB`
fn size(bytes: u64) -> String {
    let (mib, gib) = (f64::from(1 << 20), f64::from(1 << 30));
    match bytes as f64 {
        large if large >= gib => format!("{:.2} GiB", large / gib),
        small => format!("{:.0} MiB", (small / mib).max(1.0)),
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
    /// Room beside the program itself, in a machine with `there` bytes.
    pub fn new(there: Option<u64>) -> Self {
        Memory {
            there: there.map(|bytes| bytes.saturating_sub(PROGRAM)),
            taken: Mutex::new(0),
            given_back: Condvar::new(),
        }
    }

    /// Whether there can be room for a run at all.
    ///
    /// # Errors
    /// More than there is: how much that is.
    pub fn check(&self, need: Need) -> Result<(), TooMuch> {
        let there = self.there.unwrap_or(u64::MAX);
        match need.all() > there {
            true => Err(TooMuch { need, there }),
            false => Ok(()),
        }
    }

    /// Room for a run, once the others leave it.
    ///
    /// # Errors
    /// As [`Memory::check`]. [`Error::Interrupted`] where the run is stopped while it waits.
    pub fn room(&self, need: Need, stop: &Stop) -> Result<Room<'_>, Error> {
        self.check(need)?;
        let (bytes, there) = (need.all(), self.there.unwrap_or(u64::MAX));
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
        let (need, there) = (&self.need, self.there.saturating_add(PROGRAM));
        write!(
            f,
            "the run needs about {} of memory ({need}), and there is {}; lower training.batch_size, \
             backbone.input_size or features.memory",
            size(need.peak()),
            size(there)
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
            copies: 0,
            pass: 0,
            batch: 0,
            batch_size: 1,
            features: 0,
        }
    }

    #[test]
    fn a_run_waits_for_room_and_is_refused_where_there_can_be_none() {
        let memory = Memory::new(Some(PROGRAM + 10));
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
