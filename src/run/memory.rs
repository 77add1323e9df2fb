//! Whether a run can fit into memory, beside those in progress, before it takes any.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::planned::PlannedRun;
use crate::data::{Counts, Data};
use crate::features;
use crate::graph::{self, images_at_once};
use crate::ops::{self, Passes};
use crate::stop::Stop;
use crate::text::about_bytes;
use crate::train;

/// A run that waits for room looks this often whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// The program itself with its threads and what it reads tables and images with, as measured.
const PROGRAM: u64 = 38 << 20;
/// Between the blocks that it gives out, the allocator leaves a part of so many unused, as measured.
const UNUSED: u64 = 8;
/// As [`UNUSED`], and besides: between the values of a pass, each of another size than the one before.
const UNUSED_IN_PASS: u64 = 5;
/// As [`UNUSED_IN_PASS`], between the tensors that are copied to be saved.
const UNUSED_IN_COPY: u64 = 8;

/// What a run on the CPU needs, in bytes, beside the program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub images: u64,
    /// What decodes images, on all threads together.
    pub decoding: u64,
    pub weights: u64,
    /// Kept outputs of the frozen part.
    pub features: u64,
    /// What the optimizer remembers.
    pub slots: u64,
    /// Gradients of the weights, with one that is being made.
    pub gradients: u64,
    pub batch_size: usize,
    /// Values kept for the backward pass of a batch.
    pub kept: u64,
    /// Gradients of the batch's values.
    pub backward: u64,
    /// A pass through the constant part.
    pub pass: u64,
    /// What the threads keep to rearrange values in, once something was computed.
    pub scratch: u64,
    /// The weights of the best epoch, where they are restored.
    pub best: u64,
    /// What is copied to be written to a checkpoint.
    pub checkpoint: u64,
    /// What is copied to be written as the model.
    pub model: u64,
}

/// What is in memory at a time, by what it is for.
type Parts = Vec<(String, u64)>;

impl Need {
    /// With a dataset in memory.
    pub fn of(planned: &PlannedRun, data: &Data) -> Self {
        Need {
            images: data.bytes(),
            ..Need::of_counts(planned, data.counts())
        }
    }

    /// Before anything is read; with `unknown` images in a part of which the number is not known.
    pub fn planned(planned: &PlannedRun, unknown: usize) -> Self {
        let size = planned.run.spec.backbone.input_size as u64;
        let of_network = 3 * size.saturating_mul(size);
        let counts = planned.images.unwrap_or(Counts {
            train: unknown,
            validation: unknown,
            test: unknown,
            ..Counts::default()
        });
        let images = counts.train + counts.validation + counts.test;
        let each = planned.footprint.kept.unwrap_or(of_network);
        Need {
            images: each.saturating_mul(images as u64),
            ..Need::of_counts(planned, counts)
        }
    }

    fn of_counts(planned: &PlannedRun, images: Counts) -> Self {
        let (spec, blueprint) = (&planned.run.spec, &planned.blueprint);
        let most = images.train.max(images.validation).max(images.test);
        let batch_size = spec.training.batch_size.min(most);
        let cost = blueprint.cost(spec.optimizer.rule().slots().len());
        let constant = blueprint.cut.constant();
        let at_once = images_at_once(&blueprint.graph, &constant).min(most);
        let restores_best = spec.training.early_stopping.as_ref();
        let best = match restores_best.is_some_and(|rule| rule.restore_best) {
            true => cost.gradients,
            false => 0,
        };
        let pass = cost.constant.saturating_mul(at_once as u64);
        let threads = rayon::current_num_threads();
        let of_thread = |nodes: &[usize], samples, passes| {
            graph::scratch(&blueprint.graph, nodes, samples, passes)
        };
        let of_thread = of_thread(&constant, at_once, Passes::Forward)
            .max(of_thread(&blueprint.cut.rest(), batch_size, Passes::Both))
            .saturating_add(ops::PACKED);
        let of_batch = |bytes: u64| bytes.saturating_mul(batch_size as u64);
        let all = images.train + images.validation + images.test;
        let decoded_at_once = threads.min(all) as u64;
        Need {
            images: 0,
            decoding: planned.footprint.decoding.saturating_mul(decoded_at_once),
            weights: cost.weights,
            features: features::memory(spec, blueprint, images, true),
            slots: cost.slots,
            gradients: cost.gradients.saturating_add(cost.largest),
            batch_size,
            kept: of_batch(cost.kept),
            backward: of_batch(cost.backward),
            pass: pass.saturating_add(pass / UNUSED_IN_PASS),
            scratch: of_thread.saturating_mul(threads as u64),
            best,
            checkpoint: cost
                .copy_of_trained
                .max(cost.gradients.saturating_add(best))
                .saturating_add(cost.slots),
            model: cost.copy.saturating_add(cost.copy / UNUSED_IN_COPY),
        }
    }

    /// What there is at each moment that can be the one with the most.
    fn moments(&self) -> [Parts; 5] {
        let kept = format!("values of a batch of {}", self.batch_size);
        let part = |what: &str, bytes: u64| (what.to_owned(), bytes);
        let optimizer = || part("optimizer", self.slots);
        let best = || part("the best epoch's weights", self.best);
        // A larger one is written before the next batch.
        let is_aside = |bytes: &u64| *bytes <= train::WRITTEN_ASIDE;
        let written = Some(self.checkpoint).filter(is_aside).unwrap_or(0);
        let computing = || {
            [
                part("kept features", self.features),
                part("rearranged values", self.scratch),
            ]
        };
        let of_moments: [Parts; 4] = [
            vec![part("computing the frozen part", self.pass)],
            vec![
                optimizer(),
                best(),
                part(&kept, self.kept),
                part("gradients", self.gradients.saturating_add(self.backward)),
                part("a checkpoint", written),
            ],
            vec![optimizer(), best(), part("a checkpoint", self.checkpoint)],
            vec![best(), part("the model to be saved", self.model)],
        ];
        let [computed, trained, kept, saved] =
            of_moments.map(|parts| computing().into_iter().chain(parts).collect());
        let decoded: Parts = vec![part("decoding images", self.decoding)];
        [decoded, computed, trained, kept, saved].map(|parts| {
            let always = [
                part("the program", PROGRAM),
                part("images", self.images),
                part("weights", self.weights),
            ];
            let mut parts: Parts = always.into_iter().chain(parts).collect();
            let unused = sum(&parts).saturating_sub(PROGRAM) / UNUSED;
            parts.push(part("unused between", unused));
            parts
        })
    }

    /// What there is at the moment with the most.
    fn most(&self) -> Parts {
        let moments = self.moments().into_iter();
        moments.max_by_key(sum).unwrap_or_default()
    }

    /// All of it, without the program itself.
    fn all(&self) -> u64 {
        self.peak().saturating_sub(PROGRAM)
    }

    /// The most that the process takes for this run alone.
    pub fn peak(&self) -> u64 {
        sum(&self.most())
    }
}

fn sum(parts: &Parts) -> u64 {
    let bytes = parts.iter().map(|(_, bytes)| *bytes);
    bytes.fold(0, u64::saturating_add)
}

/// `weights 35 MiB, optimizer 71 MiB, …`
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.most().into_iter().filter(|(_, bytes)| *bytes > 0);
        let parts: Vec<String> = parts
            .map(|(what, bytes)| format!("{what} {}", about_bytes(bytes)))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

/// What the runs in progress take of the machine's memory.
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
            about_bytes(need.peak()),
            about_bytes(there)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(images: u64) -> Need {
        Need {
            images,
            decoding: 0,
            weights: 0,
            features: 0,
            slots: 0,
            gradients: 0,
            batch_size: 1,
            kept: 0,
            backward: 0,
            pass: 0,
            scratch: 0,
            best: 0,
            checkpoint: 0,
            model: 0,
        }
    }

    #[test]
    fn a_run_waits_for_room_and_is_refused_where_there_can_be_none() {
        let mib = |images: u64| need(images << 20);
        let memory = Memory::new(Some(PROGRAM + mib(60).all() + mib(40).all()));
        let stop = Stop::default();
        let first = memory.room(mib(60), &stop).unwrap();
        let second = memory.room(mib(40), &stop).unwrap();
        assert!(matches!(
            memory.room(mib(120), &stop),
            Err(Error::Memory(_))
        ));
        std::thread::scope(|scope| {
            let third = scope.spawn(|| memory.room(mib(50), &stop).map(|_| ()));
            drop(first);
            third.join().unwrap().unwrap();
        });
        drop(second);
        assert_eq!(*memory.taken(), 0);
        let _all = memory.room(mib(90), &stop).unwrap();
        stop.flag()
            .store(true, std::sync::atomic::Ordering::Relaxed);
        let error = memory.room(mib(20), &stop).unwrap_err();
        assert!(error.is_interruption());
    }
}
