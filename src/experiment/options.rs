//! How an experiment is run.

use std::path::PathBuf;

use crate::stop::Stop;

/// The folder that gets a folder for each experiment, where none is named.
pub const RESULTS: &str = "results";

/// How an experiment is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--set KEY=VALUE`, the part behind `--set`.
    pub overrides: Vec<String>,
    /// The runs that are done: their ids, or beginnings that one run alone has. All where this is empty.
    pub only: Vec<String>,
    /// The folder that gets a folder for each experiment.
    pub results: PathBuf,
    /// Do finished runs again.
    pub fresh: bool,
    /// Start no further run after one that failed.
    pub fail_fast: bool,
    /// How many runs are done at a time, at least 1; they divide the threads. Without a number, one at a time, but
    /// those side by side that are too small for several threads.
    pub jobs: Option<usize>,
    /// Set to end at the next good place.
    pub stop: Stop,
}
