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
    /// Bytes that a thread keeps. However few the tasks are, from step to step each thread meets one.
    pub fn of_thread(&self) -> u64 {
        F32.saturating_mul(self.task.saturating_add(self.part) as u64)
    }

    /// Bytes that all threads share.
    pub fn of_all(&self) -> u64 {
        F32.saturating_mul(self.shared as u64)
    }
}
