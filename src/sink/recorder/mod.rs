//! The recorder: what an experiment and its runs leave in the results folder while they are in progress.

mod begun;
mod done;
mod experiment;
mod fresh;
mod opening;
mod run;
mod summary;
mod unwritten;
mod upkeep;

pub use begun::Begun;
pub use done::Done;
pub use experiment::Recorder;
pub use opening::Opening;
pub use run::RunRecorder;
