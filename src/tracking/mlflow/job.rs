//! What the thread that logs is asked for.

use std::path::PathBuf;

use crate::store::Status;

/// What is to be logged.
pub(super) enum Job {
    Begun(Begun),
    Epoch(Numbers),
    Ended(Ended),
    /// The experiment is over for now, and its charts are in this folder.
    Charts(PathBuf),
}

/// A run begins, or is resumed.
pub(super) struct Begun {
    pub run: String,
    /// The run's own folder.
    pub folder: PathBuf,
    pub parameters: Vec<(String, String)>,
    /// In milliseconds since 1970.
    pub time: u64,
}

/// Numbers of a step.
pub(super) struct Numbers {
    pub run: String,
    pub step: usize,
    /// In milliseconds since 1970.
    pub time: u64,
    pub scalars: Vec<(String, f64)>,
}

/// A run is over.
pub(super) struct Ended {
    /// Those of the test.
    pub numbers: Numbers,
    pub status: Status,
    pub error: Option<String>,
    /// The run's own folder.
    pub folder: PathBuf,
}
