//! What is recorded: a row per epoch, a row per run.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::metric::Metrics;
use crate::spec::{AxisValue, Contents, Setting};
use crate::train::Epoch;

/// A swept key with its values in the sweep's order; a column of both tables, and a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key as it stands in the spec, e.g. `freeze.through`.
    pub key: String,
    pub values: Vec<AxisValue>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Finished,
    Failed,
    Interrupted,
    /// A search holds it after some of its epochs, with a checkpoint; it may go on with it.
    Paused,
    /// Another process does it now. Only the summary says so: in the tables it is interrupted until it has ended.
    Elsewhere,
}

impl Status {
    /// Those that the tables have.
    const ALL: [Status; 4] = [
        Status::Finished,
        Status::Failed,
        Status::Interrupted,
        Status::Paused,
    ];

    /// The word in the `status` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Finished => "finished",
            Status::Failed => "failed",
            Status::Interrupted => "interrupted",
            Status::Paused => "paused",
            Status::Elsewhere => "elsewhere",
        }
    }

    /// The status of this word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A row of `runs.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run's id, as its folder under `runs/`.
    pub run: String,
    /// The swept keys with this run's values.
    pub point: Vec<(String, AxisValue)>,
    pub status: Status,
    /// Why it failed; the whole chain of causes.
    pub error: Option<String>,
    /// Epochs done.
    pub epochs: usize,
    /// From 1, by the metric that early stopping watches, else by the accuracy; absent where no epoch was the best. The
    /// saved model is that of the last epoch, or of this one with `restore_best`.
    pub best_epoch: Option<usize>,
    /// Of the saved model; absent where the run did not come to its end, or has no validation images.
    pub validation: Option<Metrics>,
    /// Of the saved model; absent where the run did not come to its end, or has no test images.
    pub test: Option<Metrics>,
    /// Images that do not decode and were left out; absent where the run did not come to its end.
    pub skipped_images: Option<usize>,
    /// Of the whole model; absent where the run failed before the model was built.
    pub parameters: Option<u64>,
    /// Those that training changes; absent as `parameters`.
    pub trainable_parameters: Option<u64>,
    /// Wall time of the whole run.
    pub seconds: f64,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// This run's resolved spec as JSON.
    pub spec: Arc<str>,
    /// What the files of the spec held; absent in tables of versions that did not record it.
    pub contents: Option<Contents>,
    /// The runner's version.
    pub version: String,
    pub started: SystemTime,
}

impl RunRow {
    /// What the run was, as far as it decides the result.
    pub fn setting(&self) -> Setting {
        Setting::of(&self.spec, self.contents.as_ref())
    }
}

/// A row of `metrics.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRow {
    /// The run's id.
    pub run: String,
    /// The swept keys with this run's values.
    pub point: Vec<(String, AxisValue)>,
    pub epoch: Epoch,
}

impl EpochRow {
    /// An epoch of this run.
    pub fn new(run: &RunRow, epoch: &Epoch) -> Self {
        EpochRow {
            run: run.run.clone(),
            point: run.point.clone(),
            epoch: epoch.clone(),
        }
    }
}

/// The value of `key` at a point.
pub(crate) fn value_at<'a>(point: &'a [(String, AxisValue)], key: &str) -> Option<&'a AxisValue> {
    point.iter().find(|(k, _)| k == key).map(|(_, v)| v)
}
