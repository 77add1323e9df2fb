//! What a chart shows of the metrics.

use super::scale::{Scale, labels, percent_labels};
use crate::train::Metrics;

/// A metric with how it is shown.
#[derive(Clone, Copy)]
pub(super) struct Quantity {
    pub name: &'static str,
    /// With the unit.
    pub axis_label: &'static str,
    pub value: fn(&Metrics) -> Option<f64>,
    /// Whether it is a share in [0, 1], shown in percent.
    is_share: bool,
}

impl Quantity {
    pub(super) const ACCURACY: Quantity = Quantity {
        name: "accuracy",
        axis_label: "accuracy (%)",
        value: |m| m.accuracy,
        is_share: true,
    };
    pub(super) const LOSS: Quantity = Quantity {
        name: "loss",
        axis_label: "loss",
        value: |m| Some(m.loss),
        is_share: false,
    };

    /// A scale that shows all finite `values`.
    pub(super) fn scale(&self, values: impl Iterator<Item = f64>) -> Scale {
        if self.is_share {
            Scale::shares(values)
        } else {
            Scale::fit(values)
        }
    }

    /// The ticks' labels.
    pub(super) fn tick_labels(&self, ticks: &[f64]) -> Vec<String> {
        if self.is_share {
            percent_labels(ticks)
        } else {
            labels(ticks)
        }
    }
}
