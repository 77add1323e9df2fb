//! The loop of one run: step, epoch, evaluate, stop early.

mod early_stopping;
mod error;
mod evaluate;
mod fit;
mod guard;
mod inputs;
mod loss;
mod memory;
mod metrics;
mod observer;
mod tally;

pub use error::Error;
pub use evaluate::evaluate;
pub use fit::{Fit, Outcome};
pub use inputs::Inputs;
pub use metrics::{Epoch, Metrics};
pub use observer::{Batch, Observer};
