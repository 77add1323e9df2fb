//! The loop of one run: step, epoch, evaluate, stop early, checkpoint.

pub mod checkpoint;
mod early_stopping;
mod error;
mod evaluate;
mod fit;
mod inputs;
mod loss;
mod memory;
mod metrics;
mod observer;
mod prediction;
mod state;
mod tally;

pub use checkpoint::{Keeper, WRITTEN_ASIDE};
pub use error::Error;
pub use evaluate::{Scores, evaluate, evaluate_each};
pub use fit::{Fit, Outcome};
pub use inputs::Inputs;
pub use metrics::{Epoch, Metrics};
pub use observer::{Batch, Begin, Observer};
pub use prediction::{Prediction, most_probable, probabilities};
