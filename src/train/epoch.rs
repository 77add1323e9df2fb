//! What an epoch gave.

use serde::{Deserialize, Serialize};

use crate::metric::Metrics;

/// What one epoch gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1, over all stages of a run.
    pub epoch: usize,
    /// The stage that it belongs to; none where the run has no stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Means over the epoch's batches, each before its update, dropout on.
    pub training: Metrics,
    /// After the epoch, dropout off; absent without validation images.
    pub validation: Option<Metrics>,
    /// Of the epoch's last step.
    pub learning_rate: f64,
    /// Wall time of the epoch, validation included.
    pub seconds: f64,
    /// Training images a second, validation time excluded.
    pub images_per_second: f64,
    /// The process's peak resident memory so far; NaN where the system does not tell.
    pub peak_memory_mib: f64,
}

impl Epoch {
    /// The value of a monitored metric, e.g. `accuracy` or `val_loss`.
    pub fn value(&self, name: &str) -> Option<f64> {
        match name.strip_prefix("val_") {
            Some(name) => self.validation.as_ref()?.value(name),
            None => self.training.value(name),
        }
    }
}
