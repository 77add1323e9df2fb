//! What is measured of a network's answers. To add a metric is to add a row to the list, over what [`Tally`] keeps.

mod calibration;
mod list;
mod mean;
mod one_against_rest;
mod ranking;
mod tally;
mod values;

use serde::{Deserialize, Serialize};

pub use calibration::{Bin, Calibration};
pub use list::{
    ACCURACY, LOSS, METRICS, PER_CLASS, PER_CLASS_F1, PER_CLASS_PRECISION, TOP5_ACCURACY,
};
pub use one_against_rest::OneAgainstRest;
pub use ranking::Ranking;
pub use tally::{Tally, WrongLogits};
use values::{Value, Values};

/// How numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// In [0, 1], shown in percent.
    Share,
    Plain,
    Count,
    Seconds,
}

/// Something that is measured over samples.
#[derive(Debug)]
pub struct Metric {
    /// As the column of `metrics.parquet`, there and under `val_` and `test_` before it.
    pub name: &'static str,
    /// What it is, for the schema.
    pub about: &'static str,
    pub unit: Unit,
    /// Whether more is better.
    pub rises: bool,
    /// With so many classes or fewer it is always the same.
    pub says_nothing_of: usize,
    /// Of how many labels a sample it can be measured.
    pub labels: Labels,
    /// What has to be kept of each sample.
    pub needs: Needs,
    /// What becomes of a class without a value of its own.
    pub undefined: Undefined,
    pub of: Of,
}

/// How many labels a sample has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    One,
    /// Several, or none.
    Several,
    Any,
}

/// What has to be kept of each sample, beside counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Counts,
    /// The largest probability, in bins.
    Confidence,
    /// The probability of every class.
    Scores,
}

/// What becomes of a class without a value of its own in a mean over the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// It is no such mean.
    Never,
    /// A class without samples is left out.
    LeftOut,
    /// A class without samples, but predicted, counts as 0; one that does not occur is left out.
    Zero,
}

/// How a metric follows from what was kept.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// A number.
    All(fn(&Tally) -> f64),
    /// A number per class, in the order of the classes; NaN for a class without samples.
    EachClass(fn(&Tally) -> Vec<f64>),
}

/// Every metric, the loss first.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    std::iter::once(&LOSS).chain(METRICS)
}

impl Metric {
    /// Whether it can be measured of samples with several labels, or of samples with one.
    pub fn fits(&self, multi_label: bool) -> bool {
        match self.labels {
            Labels::One => !multi_label,
            Labels::Several => multi_label,
            Labels::Any => true,
        }
    }

    /// Whether it has a number per class.
    pub fn is_per_class(&self) -> bool {
        matches!(self.of, Of::EachClass(_))
    }
}

/// Whether less is better of what a column has, e.g. of `val_loss`.
pub fn lower_is_better(column: &str) -> bool {
    let name = ["val_", "test_"]
        .iter()
        .find_map(|part| column.strip_prefix(part));
    let name = name.unwrap_or(column);
    all().any(|metric| metric.name == name && !metric.rises)
}

/// Means over the samples of one part (training, validation or test).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub loss: f64,
    /// Those that the spec asks for, by name.
    #[serde(flatten)]
    others: Values,
}

impl Metrics {
    /// The loss alone.
    pub fn of_loss(loss: f64) -> Self {
        Metrics {
            loss,
            ..Metrics::default()
        }
    }

    /// With another number.
    pub fn with(mut self, metric: &Metric, value: f64) -> Self {
        self.set(metric, value);
        self
    }

    /// Puts another number in.
    pub fn set(&mut self, metric: &Metric, value: f64) {
        self.others.insert(metric.name, Value::All(value));
    }

    /// With a number per class.
    pub fn with_each(mut self, metric: &Metric, values: Vec<f64>) -> Self {
        self.others.insert(metric.name, Value::EachClass(values));
        self
    }

    /// A metric's number; none where it has one per class or was not asked for.
    pub fn number(&self, metric: &Metric) -> Option<f64> {
        self.value(metric.name)
    }

    /// A metric's numbers per class; none where it has a single one or was not asked for.
    pub fn each(&self, metric: &Metric) -> Option<&[f64]> {
        match self.others.get(metric.name) {
            Some(Value::EachClass(values)) => Some(values),
            _ => None,
        }
    }

    /// The number of a metric by its name.
    pub fn value(&self, name: &str) -> Option<f64> {
        match self.others.get(name) {
            _ if name == LOSS.name => Some(self.loss),
            Some(Value::All(value)) => Some(*value),
            _ => None,
        }
    }

    /// The share of samples that are classified right, where the spec asks for it.
    pub fn accuracy(&self) -> Option<f64> {
        self.number(&ACCURACY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_and_errors_are_better_where_they_are_less() {
        assert!(
            ["loss", "val_loss", "test_loss", "val_calibration_error"]
                .into_iter()
                .all(lower_is_better)
        );
        assert!(
            !["accuracy", "val_top5_accuracy", "val_auroc"]
                .into_iter()
                .any(lower_is_better)
        );
    }

    #[test]
    fn metrics_are_read_as_they_are_written() {
        let metrics = Metrics::of_loss(f64::NAN)
            .with(&ACCURACY, 1.0)
            .with_each(&PER_CLASS, vec![0.1 + 0.2, f64::INFINITY]);
        let text = toml::to_string(&metrics).unwrap();
        let read: Metrics = toml::from_str(&text).unwrap();
        assert!(read.loss.is_nan());
        assert_eq!(read.number(&ACCURACY), Some(1.0));
        assert_eq!(read.number(&TOP5_ACCURACY), None);
        assert_eq!(read.each(&PER_CLASS), metrics.each(&PER_CLASS));
    }
}
