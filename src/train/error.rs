//! Why a run cannot continue.

use super::checkpoint;
use super::held::Held;
use crate::metric::WrongLogits;
use crate::optim;
use crate::stop::Interrupted;

/// What stops a run; the other runs of the sweep continue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`{key}` watches \"{monitor}\", and no validation image was left to measure it on; set \
         `dataset.validation_split`, add validation images, or watch a training metric, e.g. \"loss\""
    )]
    NotMeasured { key: &'static str, monitor: String },
    #[error(
        "the loss is {loss} in epoch {epoch}, batch {batch}, at learning rate {learning_rate:e}; \
         a lower optimizer.learning_rate or a warm-up may help"
    )]
    NonFiniteLoss {
        loss: f32,
        epoch: usize,
        batch: usize,
        learning_rate: f64,
    },
    #[error(
        "the tensor {tensor} is no longer finite after epoch {epoch}, at learning rate {learning_rate:e}; a lower \
         optimizer.learning_rate or a warm-up may help"
    )]
    NonFiniteWeights {
        tensor: String,
        epoch: usize,
        learning_rate: f64,
    },
    #[error("there are no training images")]
    NoImages,
    #[error(transparent)]
    Logits(#[from] WrongLogits),
    #[error("the state of the run cannot be saved: {0}")]
    State(String),
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error(transparent)]
    Held(#[from] Held),
    #[error(transparent)]
    Optimizer(#[from] optim::Error),
    #[error("computing failed: {0}")]
    Candle(#[from] candle_core::Error),
}
