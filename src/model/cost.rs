//! What a run will take: operations and memory, counted from the blueprint.

use super::blueprint::{Blueprint, Link};
use super::layer::Layer;

/// Bytes of one value.
const F32: u64 = 4;

/// Bytes of a layer's input and output together that stay near a processor.
const NEAR: usize = 32 << 20;

/// How many images a forward pass on a CPU is best done with, at least 1: the values of the widest of `links` stay near
/// the processor.
pub fn images_at_once(links: &[Link]) -> usize {
    let bytes = |link: &Link| F32 as usize * (link.input.elements() + link.output.elements());
    let widest = links.iter().map(bytes).max().unwrap_or(1);
    (NEAR / widest.max(1)).max(1)
}

/// Operations and memory of a network, for one image or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of a forward pass, an image.
    pub forward: u64,
    /// Multiply-accumulates of a training step (forward, input and weight gradients), an image.
    pub training: u64,
    /// Bytes of all tensors.
    pub weights: u64,
    /// Bytes of gradients and of the optimizer's moments.
    pub training_state: u64,
    /// Bytes of the values kept for the backward pass, an image; the frozen part keeps only its
    /// two largest neighbouring values.
    pub activations: u64,
}

impl Cost {
    /// The cost of a network whose optimizer keeps `moments` values a weight.
    pub fn of(blueprint: &Blueprint, moments: usize) -> Cost {
        let mut cost = Cost {
            weights: blueprint.parameter_count() as u64 * F32,
            training_state: (blueprint.trainable_count() * (1 + moments)) as u64 * F32,
            ..Cost::default()
        };
        let first_trained = blueprint
            .links
            .iter()
            .enumerate()
            .position(|(i, link)| i >= blueprint.frozen && !link.parameters.is_empty());
        let (mut frozen_peak, mut kept) = (0, 0);
        for (i, link) in blueprint.links.iter().enumerate() {
            let forward = link.layer.multiplications(link.input, link.output);
            let gradients = match first_trained {
                Some(first) if i > first => 2,
                Some(first) if i == first => 1,
                _ => 0,
            };
            cost.forward += forward;
            cost.training += forward * (1 + gradients);
            let output = link.output.elements() as u64 * F32;
            if i < blueprint.frozen {
                frozen_peak = frozen_peak.max(link.input.elements() as u64 * F32 + output);
            } else if !matches!(link.layer, Layer::Flatten) {
                kept += output;
            }
        }
        // Every kept value has a gradient for a while.
        cost.activations = frozen_peak.max(2 * kept);
        cost
    }

    /// Bytes of a training run with this batch size, the dataset excluded.
    pub fn training_bytes(&self, batch_size: usize) -> u64 {
        self.weights + self.training_state + self.activations * batch_size as u64
    }
}
