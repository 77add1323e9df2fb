//! Which runs are to be done, in what order, and how one of them is done.

mod effort;
mod error;
mod executor;
mod memory;
mod plan;
mod predictions;
mod sink;
mod speed;
mod start;

pub use effort::efforts;
pub use error::Error;
pub use executor::{Downloads, Executor, Finished, Place};
pub use memory::{Need, TooMuch};
pub use plan::{Plan, PlannedRun};
pub use predictions::PartPredictions;
pub use sink::Sink;
pub use speed::speed;
pub use start::{Upstream, check_upstream};
