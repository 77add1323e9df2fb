//! The metrics that a run, or a sweep, watches.

use super::types::{Spec, Sweep};

/// A metric that early stopping, the schedule or the sweep's strategy watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// The key that names it.
    pub key: &'static str,
    /// As the column of `metrics.parquet`.
    pub metric: String,
}

impl Monitor {
    /// Whether it is measured on validation images.
    pub fn needs_validation(&self) -> bool {
        self.metric.starts_with("val_")
    }
}

impl Spec {
    /// Every metric that is watched.
    pub fn monitors(&self) -> impl Iterator<Item = Monitor> {
        let stopping = self
            .training
            .early_stopping
            .as_ref()
            .map(|stopping| Monitor {
                key: "training.early_stopping.monitor",
                metric: stopping.monitor.clone(),
            });
        let of_schedule = self.optimizer.schedule.monitor().map(|metric| Monitor {
            key: "optimizer.schedule.monitor",
            metric,
        });
        stopping.into_iter().chain(of_schedule)
    }
}

impl Sweep {
    /// The metric that the strategy compares configurations by; none where it looks at no results.
    pub fn watched(&self) -> Option<Monitor> {
        let option = self.strategy.row().metric?;
        Some(Monitor {
            key: "sweep.metric",
            metric: self.options.text(option),
        })
    }
}
