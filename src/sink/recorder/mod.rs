//! The recorder: what an experiment and its runs leave in the results folder while they are in progress.

mod begun;
mod done;
mod experiment;
mod files;
mod follow;
mod fresh;
mod keeping;
mod opening;
mod running;
mod summary;
mod unwritten;
mod upkeep;

pub use begun::Begun;
pub use done::Done;
pub use experiment::Recorder;
pub use opening::Opening;
pub use running::Running;
