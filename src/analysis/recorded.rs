//! Recorded runs of one or several experiments, and what is known of each.

use std::path::PathBuf;

use crate::metric::Metrics;
use crate::spec::{AxisValue, replicates};
use crate::store::{RunRow, Status};

/// The key of the experiment's name where several are looked at together.
pub const EXPERIMENT: &str = "experiment";

/// A recorded run with what is known of it elsewhere.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub experiment: String,
    /// The folder of the experiment's results.
    pub folder: PathBuf,
    pub row: RunRow,
    /// Of the saved model.
    pub validation: Option<Metrics>,
    /// Whether it is a run of the spec as it is now, and not of an earlier form.
    pub is_present: bool,
    /// Equal for runs that repeat one another.
    pub setting: String,
    /// Equal for runs that were tested on the same images.
    pub(super) test_set: String,
    /// Equal for runs that were validated on the same images.
    pub(super) validation_set: String,
}

/// The runs of one or several experiments.
#[derive(Clone, Debug, Default)]
pub struct Results {
    pub runs: Vec<Recorded>,
    /// The swept keys, in the order of the tables.
    pub axes: Vec<String>,
    /// How many experiments there are.
    pub experiments: usize,
}

impl Recorded {
    /// The value of a key: an axis, `experiment`, `status`, or any key of the run's spec.
    pub fn value(&self, key: &str) -> Option<AxisValue> {
        if let Some((_, value)) = self.row.point.iter().find(|(known, _)| known == key) {
            return Some(value.clone());
        }
        match key {
            EXPERIMENT => Some(AxisValue::Text(self.experiment.clone())),
            "status" => Some(AxisValue::Text(self.row.status.to_string())),
            "run" => Some(AxisValue::Text(self.row.run.clone())),
            key => self.in_spec(key),
        }
    }

    fn in_spec(&self, key: &str) -> Option<AxisValue> {
        let spec: serde_json::Value = serde_json::from_str(&self.row.spec).ok()?;
        AxisValue::at(&spec, key)
    }

    /// Its values of the keys on which runs repeat one another: its seed and its fold, as far as it has them.
    pub(super) fn replicates(&self) -> Vec<Option<String>> {
        let value = |key: &String| self.value(key).map(|value| value.to_string());
        replicates().iter().map(value).collect()
    }

    /// Whether a search has left the run behind, or has yet to go on with it.
    pub fn is_paused(&self) -> bool {
        self.row.status == Status::Paused
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.row.status == Status::Finished
    }
}
