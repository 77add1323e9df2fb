//! What is said, the same on every kind of terminal.

use super::RunStart;
use crate::foreign::one_line;
use crate::record::text::{percent, point};
use crate::record::{RunRow, Status};
use crate::train::{Epoch, Metrics};

/// A run that is going on, as shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Current {
    pub id: String,
    /// `run 2/15 through=block4_pool,seed=1`; empty where there is only one run.
    pub label: String,
    /// `run 2/15`; empty where there is only one run.
    pub short: String,
    pub total: usize,
    pub epochs: usize,
}

impl Current {
    pub(super) fn new(run: &RunStart) -> Self {
        let point = one_line(&point(run.point, ",")).into_owned();
        let name = if point.is_empty() { run.id } else { &point };
        let (short, label) = match run.total {
            0 | 1 => (String::new(), String::new()),
            total => {
                let short = format!("run {}/{total}", run.index);
                let label = format!("{short} {name}");
                (short, label)
            }
        };
        Current {
            id: run.id.to_owned(),
            label,
            short,
            total: run.total,
            epochs: run.epochs,
        }
    }

    /// `parts` after the run's label, two spaces apart.
    fn line(&self, parts: Vec<String>) -> String {
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        let parts: Vec<String> = label.into_iter().chain(parts).collect();
        parts.join("  ")
    }

    /// What an epoch gave.
    pub(super) fn epoch(&self, epoch: &Epoch) -> String {
        let mut parts = vec![format!("epoch {}/{}", epoch.epoch, self.epochs)];
        parts.extend(metrics("", &epoch.training));
        parts.extend(epoch.validation.iter().flat_map(|m| metrics("val_", m)));
        parts.push(format!("{:.0} images/s", epoch.images_per_second));
        self.line(parts)
    }

    /// How the run ended, with the whole of an error: it says what to do.
    pub(super) fn ended(&self, row: &RunRow) -> String {
        let name = if self.label.is_empty() && row.status != Status::Finished {
            format!("run {} {}", row.run, row.status)
        } else {
            row.status.to_string()
        };
        let parts = match (row.status, &row.error) {
            (Status::Finished, _) => {
                let epochs = if row.epochs == 1 { "epoch" } else { "epochs" };
                let took = format!(
                    "{name} {} {epochs} in {}",
                    row.epochs,
                    duration(row.seconds)
                );
                let test = row.test.iter().flat_map(|m| metrics("test_", m));
                [took].into_iter().chain(test).collect()
            }
            (Status::Interrupted, _) => vec![format!("{name} after {} epochs", row.epochs)],
            (_, Some(error)) => vec![format!("{name}: {error}")],
            (_, None) => vec![name],
        };
        self.line(parts)
    }
}

fn metrics(prefix: &str, metrics: &Metrics) -> Vec<String> {
    let share = |name, value: Option<f64>| Some(format!("{prefix}{name} {}", percent(value?)));
    let loss = Some(format!("{prefix}loss {:.4}", metrics.loss));
    let parts = [
        loss,
        share("accuracy", metrics.accuracy),
        share("top5_accuracy", metrics.top5_accuracy),
    ];
    parts.into_iter().flatten().collect()
}

/// An amount of work: `59.1 MiB` or `50000`.
pub(super) fn amount(amount: u64, bytes: bool) -> String {
    if !bytes {
        return amount.to_string();
    }
    let mut value = amount as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" {
        format!("{value} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// `0.4 s`, `12.5 s`, `3m 05s`, `2h 07m`.
pub(super) fn duration(seconds: f64) -> String {
    if seconds.is_nan() || seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (minutes, hours) = (whole / 60, whole / 3600);
    if hours == 0 {
        format!("{minutes}m {:02}s", whole % 60)
    } else {
        format!("{hours}h {:02}m", minutes % 60)
    }
}
