//! The results folder: what lies where in it, how it is written and read.

pub(crate) mod deaths;
mod error;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod folder;
pub(crate) mod log;
mod plan;
pub mod predictions;
mod present;
pub(crate) mod probe;
mod results;
mod rows;
pub(crate) mod search;
pub(crate) mod splits;
pub mod tables;
pub(crate) mod text;
pub(crate) mod tidy;
mod time;

pub use error::Error;
pub use folder::{has_model, model_file, run_folder, why_not_kept};
pub use log::RunLog;
pub(crate) use plan::write_plan;
pub use plan::{PLAN_FILE, read_plan};
pub use present::Present;
pub use results::Results;
pub(crate) use rows::value_at;
pub use rows::{Axis, EpochRow, RunRow, Status};
pub use tables::{
    METRICS_FILE, RUNS_FILE, TableError, Tables, are_in as results_are_in, leave as leave_tables,
    lent as lent_tables, read_epochs, read_runs,
};
pub use time::rfc3339;
