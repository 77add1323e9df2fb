//! Indices in a random order.

use crate::rng::{Purpose, Stream};

/// The indices in an order that `(seed, epoch)` and an index, which name the stream of random values, decide.
pub fn shuffled(mut indices: Vec<usize>, (seed, epoch): (u64, u64), index: u64) -> Vec<usize> {
    Stream::new(seed, Purpose::Split, epoch, index).shuffle(&mut indices);
    indices
}
