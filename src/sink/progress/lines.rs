//! What is said, the same on every kind of terminal.

use super::reporter::RunStart;
use crate::foreign::one_line;
use crate::metric::{self, Metrics, Unit};
use crate::store::text::{percent, point};
use crate::store::{RunRow, Status};
use crate::terminal::columns_of;
use crate::text::{bytes, counted};
use crate::train::Epoch;

/// A run in progress, as shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Current {
    pub id: String,
    /// `run 2/15 through=block4_pool,seed=1`; empty where there is only one run.
    pub label: String,
    /// `run 2/15`; empty where there is only one run.
    pub short: String,
    pub epochs: usize,
    /// Whether its images go through what is not frozen alone.
    pub from_features: bool,
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
            epochs: run.epochs,
            from_features: false,
        }
    }

    /// `parts` after the run's label.
    fn line(&self, parts: Vec<String>) -> Vec<String> {
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        label.into_iter().chain(parts).collect()
    }

    /// What an epoch gave, in parts.
    pub(super) fn epoch(&self, epoch: &Epoch) -> Vec<String> {
        let number = format!("epoch {}/{}", epoch.epoch, self.epochs);
        let mut parts = vec![match &epoch.stage {
            Some(stage) => format!("{number} ({})", one_line(stage)),
            None => number,
        }];
        parts.extend(metrics("", &epoch.training));
        parts.extend(epoch.validation.iter().flat_map(|m| metrics("val_", m)));
        let from = match self.from_features {
            true => " from kept features",
            false => "",
        };
        parts.push(format!("{:.0} images/s{from}", epoch.images_per_second));
        self.line(parts)
    }

    /// How the run ended, in parts, with the whole of an error: it says what to do.
    pub(super) fn ended(&self, row: &RunRow) -> Vec<String> {
        let name = if self.label.is_empty() && row.status != Status::Finished {
            format!("run {} {}", row.run, row.status)
        } else {
            row.status.to_string()
        };
        let parts = match (row.status, &row.error) {
            (Status::Finished, _) => {
                let epochs = counted(row.epochs, "epoch");
                let took = format!("{name} {epochs} in {}", duration(row.seconds));
                let test = row.test.iter().flat_map(|m| metrics("test_", m));
                [took].into_iter().chain(test).collect()
            }
            (Status::Paused, _) => {
                let all = counted(self.epochs, "epoch");
                vec![format!("{name} after {} of {all}", row.epochs)]
            }
            (Status::Interrupted, _) => {
                vec![format!("{name} after {}", counted(row.epochs, "epoch"))]
            }
            (_, Some(error)) => vec![format!("{name}: {error}")],
            (_, None) => vec![name],
        };
        self.line(parts)
    }
}

/// Parts two spaces apart, in lines of at most `width` columns; a line that continues is indented. A part that is longer
/// is broken between words; a longer word, such as a path, stays whole.
pub(super) fn fit(parts: &[String], width: usize) -> String {
    let joined = parts.join(GAP);
    if joined.lines().all(|line| columns_of(line) <= width) {
        return joined;
    }
    let mut lines = vec![String::new()];
    for piece in parts.iter().flat_map(|part| part.lines()) {
        for (i, line) in broken(piece, width.saturating_sub(INDENT.len()))
            .into_iter()
            .enumerate()
        {
            let Some(last) = lines.last_mut() else {
                continue;
            };
            if last.is_empty() {
                last.push_str(&line);
            } else if i == 0 && columns_of(last) + GAP.len() + columns_of(&line) <= width {
                last.push_str(GAP);
                last.push_str(&line);
            } else {
                lines.push(format!("{INDENT}{line}"));
            }
        }
    }
    lines.join("\n")
}

const GAP: &str = "  ";
const INDENT: &str = "  ";

/// Text in lines of at most `width` columns, broken between words.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if columns_of(line) + 1 + columns_of(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn metrics(prefix: &str, metrics: &Metrics) -> Vec<String> {
    let number = |metric: &metric::Metric| {
        let value = metrics.number(metric)?;
        let value = match metric.unit {
            Unit::Share => percent(value),
            Unit::Plain | Unit::Count | Unit::Seconds => format!("{value:.4}"),
        };
        Some(format!("{prefix}{} {value}", metric.name))
    };
    metric::all().filter_map(number).collect()
}

/// An amount of work: `59.1 MiB` or `50000`.
pub(super) fn amount(amount: u64, is_bytes: bool) -> String {
    match is_bytes {
        true => bytes(amount),
        false => amount.to_string(),
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
