//! Tables, charts, logs, progress.

mod atomic;
pub mod charts;
#[cfg(test)]
mod fixtures;
mod log;
pub mod progress;
mod recorder;
mod results;
mod rows;
mod summary;
pub mod tables;
mod text;
mod time;

pub use atomic::write_atomically;
pub use log::RunLog;
pub use recorder::{Done, Error, Recorder, model_file};
pub use results::Results;
pub use rows::{Axis, EpochRow, RunRow, Status};
pub use summary::summary;
pub use tables::{TableError, Tables};
pub use time::rfc3339;
