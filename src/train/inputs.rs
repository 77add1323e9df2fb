//! What the part of a network that is not constant is fed with: a part's features, or its batches carried through the
//! constant part.

use candle_core::{Result, Tensor};

use crate::data::{Batches, Mix};
use crate::features::OfSplit;
use crate::model::Network;

/// The samples of one part as seen from the freeze boundary.
pub struct Inputs<'a> {
    batches: Batches<'a>,
    /// For each view of the samples, which epochs see in turn; none where they go through the frozen part.
    features: Vec<Option<OfSplit>>,
}

impl<'a> Inputs<'a> {
    /// Samples that go through the frozen part whenever they are needed.
    pub fn new(batches: Batches<'a>) -> Self {
        Inputs {
            batches,
            features: Vec::new(),
        }
    }

    /// Takes the frozen part's outputs from `features`, where there are any of the view that an epoch sees.
    pub fn with_features(self, features: Vec<Option<OfSplit>>) -> Self {
        Inputs { features, ..self }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether the constant part's outputs are kept for all samples, rather than computed whenever they are needed.
    pub fn are_kept(&self) -> bool {
        let all = 0..self.len() as u32;
        let has_all = |of: &Option<OfSplit>| {
            let of = of.as_ref();
            of.is_some_and(|features| all.clone().all(|i| features.has(i)))
        };
        !self.features.is_empty() && self.features.iter().all(has_all)
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// [`Self::batch`] of the batch with this number in its epoch, whose images may be mixed with one another.
    ///
    /// # Errors
    /// What the device reports.
    pub fn training_batch(
        &self,
        network: &Network,
        indices: &[u32],
        (epoch, number): (u64, u64),
    ) -> Result<(Vec<Tensor>, Vec<u32>, Option<Mix>)> {
        if self.of_epoch(epoch).is_some() {
            let (values, labels) = self.batch(network, indices, epoch)?;
            return Ok((values, labels, None));
        }
        let (images, labels, mix) = self.batches.training_batch(indices, (epoch, number))?;
        Ok((network.forward_constant(&images)?, labels, mix))
    }

    /// The features of the view that an epoch sees.
    fn of_epoch(&self, epoch: u64) -> Option<&OfSplit> {
        let views = self.features.len().max(1) as u64;
        let view = epoch.saturating_sub(1) % views;
        self.features.get(view as usize)?.as_ref()
    }

    /// The label of each sample.
    ///
    /// # Errors
    /// A part that lacks one.
    pub fn labels(&self) -> Result<Vec<u32>> {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        self.batches.labels(&all)
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
        if let Some(features) = self.of_epoch(epoch) {
            let labels = self.batches.labels(indices)?;
            return Ok((self.values(network, features, indices, epoch)?, labels));
        }
        let (images, labels) = self.batches.batch(indices, epoch)?;
        Ok((network.forward_constant(&images)?, labels))
    }

    /// The constant part's outputs: those that are kept, and those of the other samples computed.
    fn values(
        &self,
        network: &Network,
        features: &OfSplit,
        indices: &[u32],
        epoch: u64,
    ) -> Result<Vec<Tensor>> {
        let device = network.device();
        let (kept, others): (Vec<u32>, Vec<u32>) = indices.iter().partition(|i| features.has(**i));
        if others.is_empty() {
            return features.rows(indices, device);
        }
        let (images, _) = self.batches.batch(&others, epoch)?;
        let computed = network.forward_constant(&images)?;
        if kept.is_empty() {
            return Ok(computed);
        }
        let there = features.rows(&kept, device)?;
        // Where each sample is once those computed come behind those kept.
        let (mut next_kept, mut next_computed) = (0.., kept.len() as u32..);
        let place = |i: &u32| match features.has(*i) {
            true => next_kept.next(),
            false => next_computed.next(),
        };
        let order: Vec<u32> = indices.iter().filter_map(place).collect();
        let order = Tensor::new(order, device)?;
        let both = there.iter().zip(&computed);
        both.map(|(there, computed)| Tensor::cat(&[there, computed], 0)?.index_select(&order, 0))
            .collect()
    }
}
