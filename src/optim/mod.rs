//! Optimizers and learning rate schedules, with Keras's rules and defaults.

mod adjust;
mod optimizer;
mod parameter;
mod rules;
mod schedule;
mod update;

#[cfg(test)]
mod tests;

pub use adjust::Adjust;
pub use optimizer::{Optimizer, OptimizerState};
pub use rules::{ADAM, METHODS, Method, Rule};
pub use schedule::{CONSTANT, CURVES, Kind, Length, Schedule, ScheduleState};

/// Why weights cannot be updated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The loss does not depend on a tensor that is to be trained, or an operation cuts its gradient.
    #[error(
        "the trainable tensor `{0}` has no gradient; freeze it, or mend what stands between it and the loss"
    )]
    NoGradient(String),
    /// A gradient of another shape than its tensor.
    #[error("the gradient of `{name}` has the shape {gradient:?}, the tensor has {tensor:?}")]
    GradientShape {
        name: String,
        gradient: Vec<usize>,
        tensor: Vec<usize>,
    },
    /// A checkpoint of another model or optimizer.
    #[error("the saved optimizer state does not fit: {0}")]
    State(String),
    /// Something of `[optimizer]` that a GPU does not do.
    #[error(
        "optimizer.layer_decay, rates, clip_norm and l2_sp are computed on a CPU only so far; set training.device = \"cpu\""
    )]
    NotOnGpu,
    /// A tensor operation failed.
    #[error("updating `{name}`: {source}")]
    Tensor {
        name: String,
        source: candle_core::Error,
    },
}
