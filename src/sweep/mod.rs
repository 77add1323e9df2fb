//! Which runs are to be done, in what order, and how one of them is done.

mod effort;
mod error;
mod executor;
mod memory;
mod plan;
mod predictions;
mod preparation;
mod sink;
mod speed;
mod start;

pub use effort::efforts;
pub use error::Error;
pub use executor::{Downloads, Executor, Finished, Place};
pub use memory::{Need, TooMuch};
pub use plan::{Plan, PlannedRun};
pub use predictions::PartPredictions;
pub use preparation::{Preparation, saved as saved_preparation};
pub use sink::Sink;
pub use speed::speed;
pub use start::{
    Checked, Download, Origin, OriginKey, Start, Upstream, check as check_start, check_upstream,
    describe as describe_weights, weights as initial_weights,
};
