//! What the part of a network that is not constant is fed with: a part's features, or its batches carried through the
//! constant part.

use candle_core::{Result, Tensor};

use crate::data::Batches;
use crate::features::OfSplit;
use crate::model::Network;

/// The samples of one part as seen from the freeze boundary.
pub struct Inputs<'a> {
    batches: Batches<'a>,
    features: Option<OfSplit>,
}

impl<'a> Inputs<'a> {
    /// Samples that go through the frozen part whenever they are needed.
    pub fn new(batches: Batches<'a>) -> Self {
        Inputs {
            batches,
            features: None,
        }
    }

    /// Takes the frozen part's outputs from `features`, where there are any.
    pub fn with_features(self, features: Option<OfSplit>) -> Self {
        Inputs { features, ..self }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether the constant part's outputs are kept, rather than computed whenever they are needed.
    pub fn are_kept(&self) -> bool {
        self.features.is_some()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The constant part's outputs for these samples, and their labels.
    ///
    /// # Errors
    /// What the device reports.
    pub fn batch(
        &self,
        network: &Network,
        indices: &[u32],
        epoch: u64,
    ) -> Result<(Vec<Tensor>, Vec<u32>)> {
        if let Some(features) = &self.features {
            let labels = self.batches.labels(indices)?;
            return Ok((features.rows(indices, network.device())?, labels));
        }
        let (images, labels) = self.batches.batch(indices, epoch)?;
        Ok((network.forward_constant(&images)?, labels))
    }
}
