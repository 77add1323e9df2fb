//! What is measured over a part of the data.

use serde::{Deserialize, Serialize};

/// Means over the samples of one part (training, validation or test).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub loss: f64,
    /// In [0, 1]; absent where the spec does not ask for it.
    pub accuracy: Option<f64>,
    /// In [0, 1]; absent where the spec does not ask for it.
    pub top5_accuracy: Option<f64>,
    /// The accuracy of each class; NaN for a class without samples. Absent where not asked for.
    pub per_class: Option<Vec<f64>>,
}

impl Metrics {
    /// The value of a metric by its column's name.
    pub fn value(&self, name: &str) -> Option<f64> {
        match name {
            "loss" => Some(self.loss),
            "accuracy" => self.accuracy,
            "top5_accuracy" => self.top5_accuracy,
            _ => None,
        }
    }
}

/// What one epoch gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
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
