//! What happens while a run trains.

use super::epoch::Epoch;

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

/// Where the training of a run begins, or is resumed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Begin<'a> {
    /// The epochs that are done already.
    pub epochs: &'a [Epoch],
    /// How many of them are of earlier stages.
    pub earlier: usize,
    /// Batches of the next one that are done already.
    pub batches: usize,
    /// Whether the training images' features are kept, so that a step begins behind the constant part.
    pub from_features: bool,
}

impl Begin<'_> {
    /// Whether an earlier start of the stage is resumed.
    pub fn is_resumed(&self) -> bool {
        self.epochs.len() > self.earlier || self.batches > 0
    }
}

/// What happens while a run trains, told in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// All is prepared; the first step follows. Told at the beginning of each stage.
    Begin(Begin<'a>),
    /// A batch is done.
    Batch(Batch),
    /// An epoch is done, and its checkpoint is written.
    Epoch(&'a Epoch),
}
