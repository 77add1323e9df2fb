//! Tables, logs, progress.

mod begun;
mod deaths;
mod done;
mod error;
#[cfg(test)]
pub(crate) mod fixtures;
mod folder;
mod log;
mod opening;
mod page;
pub mod predictions;
mod present;
pub mod progress;
mod recorder;
mod results;
mod rows;
mod run_recorder;
mod summary;
pub mod tables;
pub(crate) mod text;
mod time;
mod unwritten;
mod upkeep;

pub use begun::Begun;
pub use done::Done;
pub use error::Error;
pub use folder::{model_file, run_folder};
pub use log::RunLog;
pub use opening::Opening;
pub use page::Page;
pub use present::{PLAN_FILE, Present, read_plan};
pub use recorder::Recorder;
pub use results::Results;
pub use rows::{Axis, EpochRow, RunRow, Status};
pub use run_recorder::RunRecorder;
pub use summary::summary;
pub use tables::{
    METRICS_FILE, RUNS_FILE, TableError, Tables, are_in as results_are_in, read_epochs, read_runs,
};
pub use time::rfc3339;
