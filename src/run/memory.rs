//! The memory that runs in progress share: each begins once there is room for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use super::need::{Need, PROGRAM, TooMuch};
use crate::ops;
use crate::stop::Stop;

/// A run that waits for room looks this often whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Memory is given back this often at most. Runs that are over sooner leave what is free to the next, which would have it
/// made of new pages again, a good part of its time.
const GIVEN_BACK_EVERY: Duration = Duration::from_secs(1);

/// Gives the system back what is free between two phases of a run, unless that was done just now.
pub(super) fn give_back_freed() {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| last.elapsed() >= GIVEN_BACK_EVERY) {
        ops::give_back_freed_memory();
        *last = Some(Instant::now());
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
            true => Err(TooMuch {
                need: Box::new(need),
                there,
            }),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn need(images: u64) -> Need {
        Need {
            images,
            decoding: 0,
            decoding_again: 0,
            weights: 0,
            features: 0,
            slots: 0,
            gradients: 0,
            sums: 0,
            batch_size: 1,
            kept: 0,
            anchors: 0,
            before: 0,
            pass: 0,
            scratch: 0,
            best: 0,
            average: 0,
            scores: 0,
            recorded: 0,
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
