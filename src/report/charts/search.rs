//! `search.svg`: what a sweep's strategy asked, and what it was answered.

use super::chart::{Chart, Entry};
use super::frame::{Axis, about_axis, axis_label, plot, scale, ticks};
use super::scale::{Scale, labels};
use super::svg::{OTHERS, Svg, color};
use crate::analysis::Unit;
use crate::metric::{self, lower_is_better};
use crate::report::Experiment;
use crate::store::search::Row;

/// So many configurations, those that came the furthest, have a colour and a mark of their own.
const MOST_NAMED: usize = 6;

/// What was asked of one configuration.
struct Line<'a> {
    /// Those with an answer, in order.
    rows: Vec<(usize, &'a Row, f64)>,
}

/// What the answers are measured in.
struct Measured<'a> {
    name: &'a str,
    unit: Unit,
    is_lower_better: bool,
}

/// None before the first answer.
pub(super) fn search(experiment: &Experiment) -> Option<Chart> {
    let rows = &experiment.search;
    let metric = &rows.first()?.metric;
    let name = metric.strip_prefix("val_").unwrap_or(metric);
    let measured = Measured {
        name: metric,
        unit: metric::all()
            .find(|metric| metric.name == name)
            .map_or(Unit::Plain, |metric| metric.unit),
        is_lower_better: lower_is_better(metric),
    };
    let lines = lines(rows, &measured);
    lines.first()?;
    let is_halved = rows.iter().any(|row| row.epochs != rows[0].epochs);
    let values = lines.iter().flat_map(|line| &line.rows);
    let y = scale(measured.unit, values.map(|(.., value)| *value));
    let named = lines.iter().take(MOST_NAMED).enumerate();
    let mut legend: Vec<Entry> = named
        .filter_map(|(series, line)| {
            let (_, row, _) = line.rows.first()?;
            Some(Entry::mark(series, row.configuration.clone()))
        })
        .collect();
    if lines.len() > MOST_NAMED {
        legend.push(Entry::mark(OTHERS, "other configurations"));
    }
    let repeats = rows.iter().any(|row| row.runs.len() > 1);
    let of = if repeats {
        "the mean of the configuration's runs"
    } else {
        "one run"
    };
    let mut notes = vec![match is_halved {
        true => format!(
            "Each mark: {of} after so many epochs. A line ends where a configuration was left behind: the best of \
             each round continued."
        ),
        false => {
            legend.push(Entry::line("reference", "the best so far"));
            format!("Each mark: {of}, in the order in which the strategy asked.")
        }
    }];
    notes.push(about_axis(&y, measured.unit));
    let title = format!("{}: history of the search", experiment.name);
    let chart = Chart::of_one("search.svg".into(), title, |width| match is_halved {
        true => draw_rounds(width, &lines, (&y, &measured)),
        false => draw_questions(width, &lines, (&y, &measured), rows.len()),
    });
    Some(chart.with_legend(legend).with_notes(notes))
}

/// The configurations with answers: those that came the furthest first, of them the best.
fn lines<'a>(rows: &'a [Row], measured: &Measured<'_>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let Some(value) = row.value.filter(|value| value.is_finite()) else {
            continue;
        };
        let is_same = |line: &&mut Line<'_>| {
            let first = line.rows.first();
            first.is_some_and(|(_, first, _)| first.configuration == row.configuration)
        };
        match lines.iter_mut().find(is_same) {
            Some(line) => line.rows.push((at, row, value)),
            None => lines.push(Line {
                rows: vec![(at, row, value)],
            }),
        }
    }
    let rank = |line: &Line<'_>| {
        let (_, row, value) = line.rows[line.rows.len() - 1];
        let value = if measured.is_lower_better {
            value
        } else {
            -value
        };
        (row.epochs, value)
    };
    lines.sort_by(|a, b| {
        let ((far, one), (further, other)) = (rank(a), rank(b));
        further.cmp(&far).then(one.total_cmp(&other))
    });
    lines
}

fn series_of(place: usize) -> usize {
    if place < MOST_NAMED { place } else { OTHERS }
}

fn y_axis((y, measured): (&Scale, &Measured<'_>)) -> (Axis, String) {
    let label = axis_label(measured.name, measured.unit);
    let axis = Axis {
        ticks: ticks(y, measured.unit, 8),
        label: y.label(&label),
    };
    (axis, label)
}

/// What a mark says.
fn tip(row: &Row, value: f64, measured: &Measured<'_>) -> String {
    let value = match measured.unit {
        Unit::Share => format!("{:.1} %", value * 100.0),
        _ => crate::store::text::number(value, 4),
    };
    format!(
        "{}\n{} {value} after epoch {}, round {}",
        row.configuration, measured.name, row.epochs, row.round
    )
}

/// By epochs, a line a configuration.
fn draw_rounds(width: f64, lines: &[Line<'_>], of: (&Scale, &Measured<'_>)) -> Svg {
    let (y, measured) = of;
    let all = || lines.iter().flat_map(|line| &line.rows);
    let mut epochs: Vec<usize> = all().map(|(_, row, _)| row.epochs).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let place = |row: &Row| {
        let at = epochs.iter().position(|epochs| *epochs == row.epochs);
        (at.unwrap_or(0) as f64 + 0.5) / epochs.len() as f64
    };
    let named = epochs.iter().enumerate();
    let x_axis = Axis {
        ticks: named
            .map(|(at, count)| ((at as f64 + 0.5) / epochs.len() as f64, count.to_string()))
            .collect(),
        label: "epochs, one step a round".into(),
    };
    let (y_axis, label) = y_axis(of);
    let label = format!("{label} by epochs");
    let (frame, mut svg) = plot((width, 300.0), &label, &x_axis, &y_axis);
    for (at, line) in lines.iter().enumerate().rev() {
        let series = series_of(at);
        let points = line.rows.iter().filter_map(|(_, row, value)| {
            let point = (frame.x(place(row)), frame.y(y.place(*value)?));
            Some((point, tip(row, *value, measured)))
        });
        let points: Vec<_> = points.collect();
        let path: Vec<(f64, f64)> = points.iter().map(|(point, _)| *point).collect();
        svg.path(&path, &format!("line {}", color(series)));
        for (point, tip) in points {
            svg.mark(point, 5.0, series, "", &tip);
        }
    }
    svg
}

/// By question, with the best so far.
fn draw_questions(
    width: f64,
    lines: &[Line<'_>],
    of: (&Scale, &Measured<'_>),
    count: usize,
) -> Svg {
    let (y, measured) = of;
    let x = Scale::Linear {
        low: 0.5,
        high: count as f64 + 0.5,
    };
    let values = x.whole_ticks((width / 60.0) as usize);
    let named = values.iter().zip(labels(&values));
    let x_axis = Axis {
        ticks: named
            .filter_map(|(value, label)| Some((x.place(*value)?, label)))
            .collect(),
        label: "question".into(),
    };
    let (y_axis, label) = y_axis(of);
    let label = format!("{label} by question");
    let (frame, mut svg) = plot((width, 300.0), &label, &x_axis, &y_axis);
    let at = |question: usize, value: f64| {
        let x = x.place(question as f64 + 1.0)?;
        Some((frame.x(x), frame.y(y.place(value)?)))
    };
    let mut asked: Vec<(usize, f64)> = lines
        .iter()
        .flat_map(|line| &line.rows)
        .map(|(at, _, value)| (*at, *value))
        .collect();
    asked.sort_by_key(|(at, _)| *at);
    let mut best: Option<f64> = None;
    let mut path = Vec::new();
    for (question, value) in asked {
        let is_better = best.is_none_or(|best| match measured.is_lower_better {
            true => value < best,
            false => value > best,
        });
        if let Some(best) = best {
            path.extend(at(question, best));
        }
        if is_better {
            best = Some(value);
            path.extend(at(question, value));
        }
    }
    svg.path(&path, "reference");
    for (place, line) in lines.iter().enumerate().rev() {
        for (question, row, value) in &line.rows {
            if let Some(point) = at(*question, *value) {
                let radius = if place < MOST_NAMED { 5.0 } else { 4.0 };
                svg.mark(
                    point,
                    radius,
                    series_of(place),
                    "",
                    &tip(row, *value, measured),
                );
            }
        }
    }
    svg
}
