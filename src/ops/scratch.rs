//! What operations on the CPU take for themselves while they run, so that a run's memory can be told before it starts.

/// Bytes of one value.
const F32: u64 = 4;

/// What a thread keeps to pack the factors of `gemm`'s products in, as measured.
pub const PACKED: u64 = 2 << 20;

/// Which directions an operation is computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    Forward,
    /// Forward and backward.
    Both,
}

/// Scratch memory that an operation is computed in, in values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scratch {
    /// Of a task.
    pub task: usize,
    /// Of a part of a task.
    pub part: usize,
    /// Of all tasks together.
    pub shared: usize,
}

impl Scratch {
    /// Bytes that so many threads keep. However few the tasks are, from step to step each thread meets one; and one that waits
    /// for the parts of its task begins another meanwhile, where there are more threads than a part or two keep busy.
    pub fn of_threads(&self, threads: usize) -> u64 {
        let each = self.task.saturating_add(self.part) as u64;
        let waiting = match self.part {
            0 => 0,
            _ => threads.saturating_sub(2) as u64,
        };
        let all = each.saturating_mul(threads as u64);
        F32.saturating_mul(all.saturating_add((self.task as u64).saturating_mul(waiting)))
    }

    /// Bytes that all threads share.
    pub fn of_all(&self) -> u64 {
        F32.saturating_mul(self.shared as u64)
    }
}
