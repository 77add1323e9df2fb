//! How a run tells what it is doing.

use super::metrics::Epoch;

/// Where a run is inside an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch {
    /// From 1.
    pub epoch: usize,
    pub epochs: usize,
    /// Batches done, from 1.
    pub batch: usize,
    pub batches: usize,
    /// Training images done in this epoch.
    pub images: usize,
    /// Means over the epoch so far.
    pub loss: f64,
    /// Mean over the epoch so far.
    pub accuracy: f64,
}

/// Told after every batch and epoch of a run.
pub trait Observer {
    fn batch(&mut self, _batch: &Batch) {}
    fn epoch(&mut self, _epoch: &Epoch) {}
}
