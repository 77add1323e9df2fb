//! Optimizers and learning rate schedules, with Keras's rules and defaults.

mod optimizer;
mod rule;
mod schedule;

#[cfg(test)]
mod tests;

pub use optimizer::{Optimizer, OptimizerState};
pub use schedule::{Schedule, ScheduleState};

use crate::spec;

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
    /// A tensor operation failed.
    #[error("updating `{name}`: {source}")]
    Tensor {
        name: String,
        source: candle_core::Error,
    },
}

/// How many values an optimizer keeps for each weight.
pub fn slots(optimizer: &spec::Optimizer) -> usize {
    rule::Rule::new(optimizer).slots().len()
}

/// The spec's learning rate, or Keras's default: 0.01 for `sgd`, 1e-3 for the others.
pub fn base_rate(optimizer: &spec::Optimizer) -> f64 {
    optimizer.learning_rate.unwrap_or(match optimizer.name {
        spec::OptimizerName::Sgd => 0.01,
        _ => 1e-3,
    })
}
