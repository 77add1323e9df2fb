//! `time.svg`: what a setting reaches against the seconds its runs took.

use super::WIDTH;
use super::by_axis::shown_one;
use super::frame::{Around, axis_label, scale, ticks};
use super::legend::Legend;
use super::svg::Svg;
use crate::analysis::{Unit, shown};
use crate::record::text::point;
use crate::report::Experiment;

/// So many settings have a mark and a place in the legend each; more are told apart by hovering.
const MOST_NAMED: usize = 12;

/// None where fewer than two runs have finished.
pub fn cost(experiment: &Experiment) -> Option<Svg> {
    let comparison = experiment.comparison.as_ref()?;
    let measure = *comparison.deciding()?;
    let finished = experiment.runs.iter().filter(|run| run.is_finished());
    let points: Vec<_> = finished
        .filter_map(|run| Some((run, run.row.seconds, (measure.of)(run)?)))
        .filter(|(_, seconds, value)| seconds.is_finite() && *seconds > 0.0 && value.is_finite())
        .collect();
    if points.len() < 2 {
        return None;
    }
    let x = scale(Unit::Seconds, points.iter().map(|(_, seconds, _)| *seconds));
    let y = scale(measure.unit, points.iter().map(|(_, _, value)| *value));
    let labels: Vec<String> = comparison
        .groups
        .iter()
        .map(|group| {
            let point_: Vec<_> = comparison
                .axes
                .iter()
                .cloned()
                .zip(group.point.iter().cloned())
                .collect();
            let known: Vec<_> = point_
                .into_iter()
                .filter_map(|(key, v)| Some((key, v?)))
                .collect();
            point(&known, ", ")
        })
        .collect();
    let named = labels.len() <= MOST_NAMED && labels.len() > 1;
    let legend = Legend::new(if named { &labels } else { &[] }, WIDTH - 80.0);
    let measured = measure.name.replace('_', " ");
    let (frame, mut svg) = Around {
        title: &format!("{}: {measured} against time", experiment.name),
        about: "a small mark a run; large mark: the mean of a setting",
        x: (ticks(&x, Unit::Seconds, 8), x.label("seconds a run")),
        y: (
            ticks(&y, measure.unit, 8),
            y.label(&axis_label(measure.name, measure.unit)),
        ),
        legend: &legend,
    }
    .draw();
    let at =
        |seconds: f64, value: f64| Some((frame.x(x.place(seconds)?), frame.y(y.place(value)?)));
    let series = |group: usize| if named { group } else { 0 };
    for (g, group) in comparison.groups.iter().enumerate() {
        for (run, seconds, value) in points
            .iter()
            .filter(|(run, ..)| group.runs.contains(&run.row.run))
        {
            let tip = format!(
                "{}\n{}, {seconds:.1} s",
                run.row.run,
                shown_one(*value, &measure)
            );
            if let Some(at) = at(*seconds, *value) {
                svg.mark(at, 3.0, series(g), "faint", &tip);
            }
        }
    }
    let time = comparison.measures.iter().position(|m| m.name == "seconds");
    for (g, group) in comparison.groups.iter().enumerate() {
        let seconds = time.and_then(|i| group.samples.get(i).copied().flatten());
        let (Some(seconds), Some(sample)) = (seconds, group.deciding()) else {
            continue;
        };
        let tip = format!(
            "{}\n{} in {}",
            labels.get(g).map_or("", String::as_str),
            shown(sample, measure.unit),
            shown(&seconds, Unit::Seconds)
        );
        if let Some(at) = at(seconds.mean, sample.mean) {
            svg.mark(at, 6.0, series(g), "", &tip);
        }
    }
    Some(svg)
}
