//! The loop of one run: step, epoch, evaluate, stop early, checkpoint.

mod average;
pub mod checkpoint;
mod class_weights;
mod earlier;
mod early_stopping;
mod epoch;
mod error;
mod evaluate;
mod event;
mod fit;
#[cfg(feature = "cuda")]
mod gpu_step;
mod held;
mod inputs;
mod loss;
#[cfg(feature = "cuda")]
mod on_gpu;
mod peak_memory;
mod place;
mod prediction;
mod rate_finder;
mod resumed;
mod state;
mod step;
mod unread;

pub use checkpoint::{Keeper, WRITTEN_ASIDE};
pub use class_weights::{ClassFactors, class_weights};
pub use earlier::Earlier;
pub use epoch::Epoch;
pub use error::Error;
pub use evaluate::{Scores, evaluate, evaluate_each};
pub use event::{Batch, Begin, Event};
pub use fit::{Fit, Outcome};
pub use inputs::Inputs;
pub use prediction::{Prediction, above, most_probable, probabilities};
pub use rate_finder::{RateCurve, Tried};
pub use resumed::resumed;
