//! What a run's trained part is fed with: a part's batches, carried through the frozen part.

use candle_core::{Result, Tensor};

use crate::data::Batches;
use crate::model::{Mode, Network};

/// The samples of one part as seen from the freeze boundary.
pub struct Inputs<'a> {
    batches: Batches<'a>,
}

impl<'a> Inputs<'a> {
    /// Samples that go through the frozen part whenever they are needed.
    pub fn new(batches: Batches<'a>) -> Self {
        Inputs { batches }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The frozen part's outputs for these samples, and their labels.
    ///
    /// # Errors
    /// What the device reports.
    pub fn batch(
        &self,
        network: &Network,
        indices: &[u32],
        epoch: u64,
        mode: Mode,
    ) -> Result<(Tensor, Vec<u32>)> {
        let (images, labels) = self.batches.batch(indices, epoch)?;
        Ok((network.forward_frozen(&images, mode)?, labels))
    }
}
