//! One run: what it starts from, how much memory it takes, and how it is done.

mod error;
mod event;
mod executor;
mod images;
mod memory;
mod need;
mod networks;
mod one_run;
mod pictures;
mod planned;
mod predictions;
mod preparation;
mod probabilities;
mod probing;
mod rate;
mod remarks;
mod speed;
mod start;
mod training;

pub use error::Error;
pub use event::{Event, Tell};
pub use executor::{Downloads, Executor};
pub use images::{DecodedImages, check_disk};
pub use need::{Need, TooMuch};
pub use one_run::{Finished, Workspace};
pub use pictures::{Picture, different_epochs};
pub use planned::{PlannedRun, PlannedStage};
pub use predictions::{Answers, PartPredictions};
pub use preparation::{Preparation, saved as saved_preparation};
pub use probabilities::Probabilities;
pub use speed::{Speed, speed};
pub use start::{
    Checked, Download, Origin, OriginKey, Start, Upstream, check as check_start, check_upstream,
    describe as describe_weights, weights as initial_weights,
};
