//! The loop of one run: step, epoch, evaluate, stop early.

mod metrics;
mod observer;

pub use metrics::{Epoch, Metrics};
pub use observer::{Batch, Observer};
