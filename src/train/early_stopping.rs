//! When to stop, and which epoch was the best, as Keras's `EarlyStopping`.

use serde::{Deserialize, Serialize};

use crate::metric::lower_is_better;
use crate::spec;

/// Watches one metric over the epochs.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: String,
    patience: usize,
    min_delta: f64,
    watched: Watched,
}

/// What has been seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    best: Option<f64>,
    /// Epochs since then.
    waited: usize,
}

/// What an epoch's value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It is the best so far.
    pub best: bool,
    /// Training stops here.
    pub stop: bool,
}

impl EarlyStopping {
    /// As the spec says.
    pub fn new(spec: &spec::EarlyStopping) -> Self {
        EarlyStopping {
            monitor: spec.monitor.clone(),
            patience: spec.patience,
            min_delta: spec.min_delta.abs(),
            watched: Watched::default(),
        }
    }

    /// What has been seen, to be given to [`Self::resume`].
    pub fn watched(&self) -> Watched {
        self.watched
    }

    /// Resumes from what had been seen.
    pub fn resume(&mut self, watched: Watched) {
        self.watched = watched;
    }

    /// The metric's name.
    pub fn monitor(&self) -> &str {
        &self.monitor
    }

    /// Takes the value of the next epoch.
    pub fn epoch(&mut self, value: f64) -> Verdict {
        let improves = |best: f64| {
            if lower_is_better(&self.monitor) {
                value + self.min_delta < best
            } else {
                value - self.min_delta > best
            }
        };
        if self.watched.best.is_none_or(improves) && !value.is_nan() {
            self.watched = Watched {
                best: Some(value),
                waited: 0,
            };
            return Verdict {
                best: true,
                stop: false,
            };
        }
        self.watched.waited += 1;
        Verdict {
            best: false,
            stop: self.watched.waited >= self.patience,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each epoch's value: `b` the best so far, `.` no, `s` stop.
    fn verdicts(monitor: &str, patience: usize, min_delta: f64, values: &[f64]) -> String {
        let mut stopping = EarlyStopping::new(&spec::EarlyStopping {
            monitor: monitor.into(),
            patience,
            min_delta,
            restore_best: false,
        });
        let letter = |v: Verdict| {
            if v.stop {
                's'
            } else if v.best {
                'b'
            } else {
                '.'
            }
        };
        values
            .iter()
            .map(|&value| letter(stopping.epoch(value)))
            .collect()
    }

    #[test]
    fn stops_after_patience_epochs_without_improvement() {
        for (monitor, patience, min_delta, values, expected) in [
            ("val_loss", 2, 0.0, &[1.0, 0.9, 0.95, 0.91][..], "bb.s"),
            ("val_loss", 2, 0.0, &[1.0, 1.1, 0.9, 1.0, 1.0], "b.b.s"),
            ("val_accuracy", 2, 0.0, &[0.5, 0.4, 0.6, 0.6, 0.6], "b.b.s"),
            ("val_accuracy", 1, 0.05, &[0.5, 0.54, 0.56], "bss"),
            ("val_calibration_error", 1, 0.0, &[0.3, 0.2, 0.4], "bbs"),
            ("val_auroc", 1, 0.0, &[0.8, 0.9, 0.7], "bbs"),
            ("loss", 0, 0.0, &[1.0, 2.0], "bs"),
            ("loss", 2, 0.0, &[f64::NAN, f64::NAN], ".s"),
        ] {
            // An epoch after the stop is given only to show that the rule still counts.
            let found = verdicts(monitor, patience, min_delta, values);
            let upto = expected.find('s').map_or(expected.len(), |i| i + 1);
            assert_eq!(found[..upto], expected[..upto], "{monitor} {values:?}");
        }
    }
}
