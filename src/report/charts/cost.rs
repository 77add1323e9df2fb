//! `time.svg`: what a setting reaches against the seconds its runs took.

use super::WIDTH;
use super::by_axis::shown_one;
use super::frame::{Frame, axis_label, scale, ticks};
use super::legend::Legend;
use super::svg::{Anchor, Svg};
use crate::analysis::{Unit, shown};
use crate::record::text::{point, shorten};
use crate::report::Experiment;

const HEIGHT: f64 = 300.0;
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
    let frame = Frame {
        left: 64.0,
        top: 66.0,
        width: WIDTH - 84.0,
        height: HEIGHT,
    };
    let title = format!(
        "{}: {} against time",
        experiment.name,
        measure.name.replace('_', " ")
    );
    let mut svg = Svg::new(
        WIDTH,
        frame.bottom() + 56.0 + legend.height() + 8.0,
        title.clone(),
    );
    svg.text((16.0, 22.0), Anchor::Start, "title", &shorten(&title, 80));
    let about = "a small mark a run; large mark: the mean of a setting";
    svg.text((16.0, 46.0), Anchor::Start, "small muted", about);
    let label = y.label(&axis_label(measure.name, measure.unit));
    svg.upright(
        (14.0, frame.top + HEIGHT / 2.0),
        Anchor::Middle,
        "small muted",
        &label,
    );
    frame.draw(
        &mut svg,
        &ticks(&x, Unit::Seconds, 8),
        &ticks(&y, measure.unit, 8),
    );
    let middle = (frame.left + frame.width / 2.0, frame.bottom() + 32.0);
    svg.text(
        middle,
        Anchor::Middle,
        "small muted",
        &x.label("seconds a run"),
    );
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
    legend.draw(&mut svg, (64.0, frame.bottom() + 50.0));
    Some(svg)
}
