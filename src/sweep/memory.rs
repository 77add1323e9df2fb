//! Whether a run can fit into memory at all, before it takes any.

use std::fmt;

use super::plan::PlannedRun;
use crate::data::Data;
use crate::features::{self, Split};
use crate::machine;
use crate::model::Cost;
use crate::optim;

/// What a run on the CPU needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub images: u64,
    pub weights: u64,
    /// Gradients and the optimizer's slots.
    pub training_state: u64,
    /// Values kept for the backward pass of a batch.
    pub batch: u64,
    pub batch_size: usize,
    /// Kept outputs of the frozen part.
    pub features: u64,
}

impl Need {
    pub fn of(planned: &PlannedRun, data: &Data) -> Self {
        let spec = &planned.run.spec;
        let images = Split::ALL.map(|split| split.of(data).len());
        let most = images.into_iter().max().unwrap_or(0);
        let batch_size = spec.training.batch_size.min(most);
        let cost = Cost::of(&planned.blueprint, optim::slots(&spec.optimizer));
        let stored = Split::ALL.map(|split| split.of(data).images.data.len() as u64);
        Need {
            images: stored.iter().sum(),
            weights: cost.weights,
            training_state: cost.training_state,
            batch: cost.activations.saturating_mul(batch_size as u64),
            batch_size,
            features: features::memory(spec, &planned.blueprint, images, true),
        }
    }

    /// # Errors
    /// More than there is: how much that is.
    pub fn check(self) -> Result<(), TooMuch> {
        match machine::memory() {
            Some(there) if self.all() > there => Err(TooMuch { need: self, there }),
            _ => Ok(()),
        }
    }

    fn all(&self) -> u64 {
        let parts = [self.weights, self.training_state, self.batch, self.features];
        parts.into_iter().fold(self.images, u64::saturating_add)
    }
}

/// A run that cannot fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    need: Need,
    there: u64,
}

impl std::error::Error for TooMuch {}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u64| format!("{:.2} GiB", bytes as f64 / f64::from(1 << 30));
        let need = &self.need;
        write!(
            f,
            "the run needs about {} of memory (images {}, weights {}, gradients and optimizer {}, values of a batch \
             of {} {}, kept features {}), and there is {}; lower training.batch_size, backbone.input_size or \
             features.memory",
            gib(need.all()),
            gib(need.images),
            gib(need.weights),
            gib(need.training_state),
            need.batch_size,
            gib(need.batch),
            gib(need.features),
            gib(self.there)
        )
    }
}
