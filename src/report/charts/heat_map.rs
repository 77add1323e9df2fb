//! `heat_<axis>_<axis>.svg`: the mean of the metric for each pair of two axes' values.

use super::WIDTH;
use super::svg::{Anchor, Svg};
use crate::analysis::{Sample, shown};
use crate::record::text::{shorten, value};
use crate::report::Experiment;

/// More values than this of an axis do not fit.
const MOST: usize = 24;

/// None where an axis has fewer than two values, or too many.
pub fn heat_map(experiment: &Experiment, down: &str, across: &str) -> Option<Svg> {
    let measure = *experiment.comparison.as_ref()?.deciding()?;
    let (rows, columns) = (experiment.values_of(down), experiment.values_of(across));
    if ![rows.len(), columns.len()]
        .iter()
        .all(|n| (2..=MOST).contains(n))
    {
        return None;
    }
    let finished: Vec<_> = experiment
        .runs
        .iter()
        .filter(|run| run.is_finished())
        .collect();
    let sample = |row: &_, column: &_| {
        let here = finished.iter().filter(|run| {
            run.value(down).as_ref() == Some(row) && run.value(across).as_ref() == Some(column)
        });
        Sample::of(here.filter_map(|run| (measure.of)(run)))
    };
    let cells: Vec<Vec<Option<Sample>>> = rows
        .iter()
        .map(|row| columns.iter().map(|column| sample(row, column)).collect())
        .collect();
    let means = || cells.iter().flatten().flatten().map(|sample| sample.mean);
    let (low, high) = (
        means().fold(f64::INFINITY, f64::min),
        means().fold(f64::NEG_INFINITY, f64::max),
    );
    if low > high {
        return None;
    }
    let title = format!(
        "{}: {} by {down} and {across}",
        experiment.name,
        measure.name.replace('_', " ")
    );
    let (left, top, height) = (150.0, 92.0, 34.0);
    let width = ((WIDTH - left - 16.0) / columns.len() as f64).min(120.0);
    let mut svg = Svg::new(
        WIDTH,
        top + rows.len() as f64 * height + 24.0,
        title.clone(),
    );
    svg.text((16.0, 22.0), Anchor::Start, "title", &shorten(&title, 80));
    let better = if measure.rises { "higher" } else { "lower" };
    let about = format!("mean over the runs of a cell; the darker, the {better}");
    svg.text((16.0, 46.0), Anchor::Start, "small muted", &about);
    svg.text((left, top - 24.0), Anchor::Start, "small muted", across);
    svg.text((left - 8.0, top - 24.0), Anchor::End, "small muted", down);
    for (c, column) in columns.iter().enumerate() {
        let at = (left + (c as f64 + 0.5) * width, top - 9.0);
        let label = shorten(&value(column), (width / 6.4) as usize);
        svg.text(at, Anchor::Middle, "small", &label);
    }
    for (r, row) in rows.iter().enumerate() {
        let y = top + r as f64 * height;
        let label = shorten(&value(row), 22);
        svg.text((left - 8.0, y + height / 2.0), Anchor::End, "small", &label);
        for (c, column) in columns.iter().enumerate() {
            let x = left + c as f64 * width;
            svg.rect((x, y), (width, height), "cell", 1.0, "");
            let Some(sample) = cells[r][c] else { continue };
            let share = if high > low {
                (sample.mean - low) / (high - low)
            } else {
                1.0
            };
            let dark = if measure.rises { share } else { 1.0 - share };
            let text = shown(&sample, measure.unit);
            let tip = format!(
                "{down} = {row}, {across} = {column}\n{text} (n = {})",
                sample.n
            );
            svg.rect((x, y), (width, height), "heat", 0.06 + 0.94 * dark, &tip);
            let short = text
                .split(" ±")
                .next()
                .unwrap_or(&text)
                .trim_end_matches(" %");
            let class = if dark > 0.8 { "small on-dark" } else { "small" };
            svg.text(
                (x + width / 2.0, y + height / 2.0),
                Anchor::Middle,
                class,
                short,
            );
        }
    }
    Some(svg)
}
