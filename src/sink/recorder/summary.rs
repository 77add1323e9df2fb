//! The table at the end of an experiment: its runs, best first.

#[cfg(test)]
mod tests;

use crate::foreign::one_line;
use crate::metric::Metrics;
use crate::store::text::{self, percent, short_keys, shorten};
use crate::store::{Results, RunRow, Status, value_at};
use crate::text::thousands;

/// The widest line, in columns, where the table can be made to fit.
pub(super) const WIDTH: usize = 100;
/// Stands between columns.
const GAP: &str = "  ";
/// Where there is no value.
const NONE: &str = "–";

/// The runs as a table of at most `width` columns where it can be made to fit, best first: by validation accuracy, else
/// by test accuracy, else by loss, all of the saved model. Those that were measured on different images stand apart. Runs
/// that did not finish come last, and below the table why; then how many runs of earlier forms of the experiment there
/// are. Empty without runs.
pub fn summary(results: &Results, width: usize) -> String {
    let mut sets: Vec<String> = Vec::new();
    let lines = results.runs.iter().map(|run| Line::new(run, &mut sets));
    let mut runs: Vec<Line> = lines.collect();
    // Stable: equal runs stay in the sweep's order.
    runs.sort_by(|a, b| {
        let ended = |line: &Line| line.run.status != Status::Finished;
        let order = (ended(a), a.images).cmp(&(ended(b), b.images));
        order.then(a.rank().total_cmp(&b.rank()))
    });
    if runs.is_empty() {
        return String::new();
    }
    let mut columns = columns(results, &runs);
    fit(&mut columns, width);
    let mut text = render(&columns, runs.len());
    for line in &runs {
        if let Some(error) = line.run.error.as_deref().and_then(|e| e.lines().next()) {
            text.push_str(&format!("\n{} {}: {error}", line.name(), line.run.status));
        }
    }
    if sets.len() > 1 {
        let count = sets.len();
        text.push_str(&format!(
            "\nmeasured on {count} different sets of images, one after the other, each ranked on its own"
        ));
    }
    text.push_str(&others(results.others));
    text.push('\n');
    text
}

/// What is said of runs of earlier forms of the experiment.
fn others(count: usize) -> String {
    let runs = match count {
        0 => return String::new(),
        1 => "1 run of an earlier form of this spec is".to_owned(),
        n => format!("{n} runs of earlier forms of this spec are"),
    };
    format!("\n{runs} in the folder too; runner compare --all shows them")
}

/// A run with the number of the set of images that it was measured on.
struct Line<'a> {
    run: &'a RunRow,
    images: usize,
}

impl<'a> Line<'a> {
    fn new(run: &'a RunRow, sets: &mut Vec<String>) -> Self {
        let setting = run.setting();
        if run.status != Status::Finished {
            return Line { run, images: 0 };
        }
        let validated = run.validation.as_ref().map(|_| setting.validation_set());
        let tested = run.test.as_ref().map(|_| setting.test_set());
        let on = validated.unwrap_or_default() + &tested.unwrap_or_default();
        let known = sets.iter().position(|set| *set == on);
        let images = known.unwrap_or_else(|| {
            sets.push(on);
            sets.len() - 1
        });
        Line { run, images }
    }

    /// Smaller is better.
    fn rank(&self) -> f64 {
        if self.run.status != Status::Finished {
            return f64::INFINITY;
        }
        let best_first = [self.run.validation.as_ref(), self.run.test.as_ref()]
            .into_iter()
            .flatten();
        let accuracy = best_first.clone().find_map(Metrics::accuracy).map(|a| -a);
        let rank = accuracy.or_else(|| best_first.map(|m| m.loss).next());
        rank.filter(|rank| !rank.is_nan()).unwrap_or(f64::MAX)
    }

    fn name(&self) -> String {
        if self.run.point.is_empty() {
            self.run.run.clone()
        } else {
            one_line(&text::point(&self.run.point, ",")).into_owned()
        }
    }
}

/// A column of the table; the first cell is its title.
struct Column {
    cells: Vec<String>,
    is_text: bool,
    need: Need,
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Id,
    Axis,
    Status,
    Epochs,
    BestEpoch,
    Result,
    Trainable,
    Seconds,
}

/// A way to make the table narrower.
enum Cut {
    Drop(Need),
    /// The axes' values to at most this many characters.
    Shorten(usize),
}

/// What is done until the table fits, first the least loss.
const CUTS: [Cut; 9] = [
    Cut::Drop(Need::Id),
    Cut::Shorten(24),
    Cut::Drop(Need::BestEpoch),
    Cut::Drop(Need::Epochs),
    Cut::Shorten(14),
    Cut::Drop(Need::Status),
    Cut::Drop(Need::Seconds),
    Cut::Drop(Need::Trainable),
    Cut::Shorten(8),
];

impl Column {
    fn width(&self) -> usize {
        let widths = self.cells.iter().map(|cell| cell.chars().count());
        widths.max().unwrap_or(0)
    }
}

fn columns(results: &Results, lines: &[Line]) -> Vec<Column> {
    let column = |title: &str, need, is_text, cell: &dyn Fn(&Line) -> Option<String>| {
        let cells = lines
            .iter()
            .map(|line| cell(line).unwrap_or_else(|| NONE.to_owned()));
        Column {
            cells: [title.to_owned()].into_iter().chain(cells).collect(),
            is_text,
            need,
        }
    };
    let mut columns = vec![column("run", Need::Id, true, &|l| Some(l.run.run.clone()))];
    let keys = short_keys(results.axes.iter().map(|axis| axis.key.as_str()));
    for (axis, title) in results.axes.iter().zip(&keys) {
        let value = |l: &Line| {
            value_at(&l.run.point, &axis.key).map(|v| one_line(&text::value(v)).into_owned())
        };
        columns.push(column(title, Need::Axis, true, &value));
    }
    if lines.iter().any(|line| line.run.status != Status::Finished) {
        columns.push(column("status", Need::Status, true, &|l| {
            Some(l.run.status.to_string())
        }));
    }
    columns.push(column("epochs", Need::Epochs, false, &|l| {
        Some(l.run.epochs.to_string())
    }));
    let best_epoch = |l: &Line| Some(l.run.best_epoch?.to_string());
    columns.push(column("best_epoch", Need::BestEpoch, false, &best_epoch));

    let metrics = |l: &Line| [l.run.validation.clone(), l.run.test.clone()];
    let has_accuracy = lines
        .iter()
        .flat_map(metrics)
        .flatten()
        .any(|m| m.accuracy().is_some());
    let (name, show): (_, fn(&Metrics) -> Option<String>) = if has_accuracy {
        ("accuracy", |m| m.accuracy().map(percent))
    } else {
        ("loss", |m| Some(format!("{:.4}", m.loss)))
    };
    let validation = |l: &Line| show(l.run.validation.as_ref()?);
    columns.push(column(
        &format!("val_{name}"),
        Need::Result,
        false,
        &validation,
    ));
    let test = |l: &Line| show(l.run.test.as_ref()?);
    columns.push(column(&format!("test_{name}"), Need::Result, false, &test));

    let trainable = |l: &Line| l.run.trainable_parameters.map(|n| thousands(n as usize));
    columns.push(column("trainable", Need::Trainable, false, &trainable));
    let seconds = |l: &Line| Some(format!("{:.1}", l.run.seconds));
    columns.push(column("seconds", Need::Seconds, false, &seconds));
    columns
}

fn width(columns: &[Column]) -> usize {
    let cells: usize = columns.iter().map(Column::width).sum();
    cells + columns.len().saturating_sub(1) * GAP.len()
}

fn fit(columns: &mut Vec<Column>, most: usize) {
    // The id repeats the point; without a sweep it is all there is to tell a run by.
    let is_swept = columns.iter().any(|column| column.need == Need::Axis);
    for cut in CUTS {
        if width(columns) <= most {
            return;
        }
        match cut {
            Cut::Drop(Need::Id) if !is_swept => {}
            Cut::Drop(need) => columns.retain(|column| column.need != need),
            Cut::Shorten(most) => shorten_names(columns, most),
        }
    }
}

fn shorten_names(columns: &mut [Column], most: usize) {
    let is_name = |column: &&mut Column| matches!(column.need, Need::Axis | Need::Id);
    for cell in columns
        .iter_mut()
        .filter(is_name)
        .flat_map(|column| &mut column.cells)
    {
        *cell = shorten(cell, most);
    }
}

fn render(columns: &[Column], runs: usize) -> String {
    let row = |i: usize| {
        let cells = columns.iter().map(|column| {
            let (cell, width) = (
                column.cells.get(i).map_or("", String::as_str),
                column.width(),
            );
            if column.is_text {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    (0..=runs).map(row).collect::<Vec<_>>().join("\n")
}
