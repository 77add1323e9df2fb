//! `compare_<axis>.svg` of what tells a setting's repetitions apart, mostly the seed: how far its runs spread. Neither a
//! line nor an order: one seed is not more than another.

use super::axis::Swept;
use super::chart::{Chart, Entry};
use super::frame::{Axis, about_axis, plot, scale, ticks};
use super::svg::{OTHERS, Svg};
use super::view::{View, file_name};
use crate::report::experiment::Ranked;
use crate::report::experiment::one;
use crate::spec::AxisValue;

/// So many of the best settings have a colour and a mark of their own.
const MOST_NAMED: usize = 6;
/// More runs than this are not drawn.
const MOST_RUNS: usize = 400;

/// A run in the plot.
struct Mark {
    /// In [0, 1].
    place: f64,
    value: f64,
    series: usize,
    tip: String,
}

/// None where there are too many runs to tell them apart.
pub(super) fn repeats(view: &View<'_>, key: &str) -> Option<Chart> {
    let runs = view.settings.iter().flat_map(|setting| &setting.runs);
    let mut values: Vec<AxisValue> = Vec::new();
    for value in runs
        .clone()
        .take(MOST_RUNS + 1)
        .filter_map(|run| run.value(key))
    {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    if runs.count() > MOST_RUNS || values.len() < 2 {
        return None;
    }
    values.sort_by_key(|value| (value.to_string().len(), value.to_string()));
    let swept = Swept::of_names(key, values);
    let measure = view.measure;
    let mark = |(place, setting): (usize, &Ranked<'_>)| {
        let series = if place < MOST_NAMED { place } else { OTHERS };
        let mark = |run: &&crate::analysis::Recorded| {
            let value = measure.of(run).filter(|value| value.is_finite())?;
            Some(Mark {
                place: swept.place(&run.value(key)?)?,
                tip: format!(
                    "{}\n{}: {}",
                    setting.titled(),
                    run.row.run,
                    one(value, measure.unit)
                ),
                value,
                series,
            })
        };
        setting.runs.iter().filter_map(mark).collect::<Vec<_>>()
    };
    let marks: Vec<Mark> = view.settings.iter().enumerate().flat_map(mark).collect();
    let y = scale(measure.unit, marks.iter().map(|mark| mark.value));
    let about = about_axis(&y, measure.unit);
    let draw = |width: f64| -> Svg {
        let height = if width < 500.0 { 220.0 } else { 300.0 };
        let y_axis = Axis {
            ticks: ticks(&y, measure.unit, 8),
            label: y.label(&view.measured()),
        };
        let x_axis = swept.axis((width / 40.0) as usize);
        let label = format!("{} by {key}", view.measured());
        let (frame, mut svg) = plot((width, height), &label, &x_axis, &y_axis);
        for mark in &marks {
            if let Some(place) = y.place(mark.value) {
                let at = (frame.x(mark.place), frame.y(place));
                svg.mark(at, 4.5, mark.series, "", &mark.tip);
            }
        }
        svg
    };
    let title = format!(
        "{}: {} by {key}, each run",
        view.experiment.name,
        view.measured()
    );
    let file = format!("compare_{}.svg", file_name(key));
    let named = view.settings.iter().take(MOST_NAMED).enumerate();
    let mut legend: Vec<Entry> = named
        .map(|(series, setting)| Entry::mark(series, setting.titled()))
        .collect();
    if view.settings.len() > MOST_NAMED {
        legend.push(Entry::mark(OTHERS, "other settings"));
    }
    let note = format!(
        "Each mark is one run. {key} only tells repetitions apart: its values have no order."
    );
    Some(
        Chart::of_one(file, title, draw)
            .with_legend(legend)
            .with_notes([note, about]),
    )
}
