//! The metrics that a run watches while it trains.

use super::types::{ScheduleKind, Spec};

/// A metric that early stopping or the schedule watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monitor<'a> {
    /// The key that names it.
    pub key: &'static str,
    /// As the column of `metrics.parquet`.
    pub metric: &'a str,
}

impl Monitor<'_> {
    /// Whether it is measured on validation images.
    pub fn needs_validation(&self) -> bool {
        self.metric.starts_with("val_")
    }
}

impl Spec {
    /// Every metric that is watched.
    pub fn monitors(&self) -> impl Iterator<Item = Monitor<'_>> {
        let stopping = self
            .training
            .early_stopping
            .as_ref()
            .map(|stopping| Monitor {
                key: "training.early_stopping.monitor",
                metric: &stopping.monitor,
            });
        let schedule = &self.optimizer.schedule;
        let plateau = (schedule.kind == ScheduleKind::Plateau).then(|| Monitor {
            key: "optimizer.schedule.monitor",
            metric: schedule.monitor(),
        });
        stopping.into_iter().chain(plateau)
    }
}
