//! Tables, charts, logs, progress.

pub mod charts;
mod done;
mod error;
#[cfg(test)]
mod fixtures;
mod folder;
mod log;
pub mod predictions;
pub mod progress;
mod recorder;
mod results;
mod rows;
mod summary;
pub mod tables;
mod text;
mod time;

pub use done::Done;
pub use error::Error;
pub use folder::model_file;
pub use log::RunLog;
pub use recorder::Recorder;
pub use results::Results;
pub use rows::{Axis, EpochRow, RunRow, Status};
pub use summary::summary;
pub use tables::{TableError, Tables};
pub use time::rfc3339;
