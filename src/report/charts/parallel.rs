//! `parallel.svg`: every setting as a line through its values of all axes to what it reaches.

use super::axis::Swept;
use super::chart::{Chart, Entry};
use super::frame::{about_axis, axis_label, fitted, scale, text_width, ticks};
use super::scale::Scale;
use super::svg::{Anchor, Svg, color};
use super::view::View;
use crate::analysis::{Measure, shown};
use crate::report::experiment::{Ranked, repeats};
use crate::store::text::short_keys;

/// Fewer axes are told by other charts.
const FEWEST_AXES: usize = 3;
/// So many of the best settings have colours.
const MOST_NAMED: usize = 5;
/// Of more settings the best are drawn.
const MOST: usize = 400;
const TOP: f64 = 30.0;

/// None for fewer than three axes.
pub(super) fn parallel(view: &View<'_>) -> Option<Chart> {
    let (experiment, measure, settings) = (view.experiment, view.measure, &view.settings);
    let drawn: Vec<&Ranked<'_>> = settings
        .iter()
        .filter(|setting| setting.group.reported().is_some())
        .take(MOST)
        .collect();
    if view.axes.len() < FEWEST_AXES || drawn.len() < 2 {
        return None;
    }
    let means = drawn.iter().filter_map(|setting| setting.group.reported());
    let y = scale(measure.unit, means.clone().map(|sample| sample.mean));
    let title = format!("{}: all axes and {}", experiment.name, view.measured());
    let repeats = repeats(experiment, means.map(|sample| sample.n));
    let each = match repeats.is_single() {
        true => "one run".to_owned(),
        false => format!("the mean {repeats}"),
    };
    let which = match settings.len() > drawn.len() {
        true => format!(
            " The {} best of {} settings are drawn.",
            drawn.len(),
            settings.len()
        ),
        false => String::new(),
    };
    let notes = [
        format!(
            "Each line is one setting, from its value of each axis to what it reached ({each}).{which}"
        ),
        about_axis(&y, measure.unit).replace("vertical axis", "last axis"),
    ];
    let named = drawn.iter().take(MOST_NAMED).enumerate();
    let mut legend: Vec<Entry> = named
        .map(|(series, setting)| Entry::line_of(series, DASHES[series], setting.titled()))
        .collect();
    if drawn.len() > MOST_NAMED {
        legend.push(Entry::line("line others", "other settings"));
    }
    let lines = Lines {
        axes: &view.axes,
        drawn,
        y,
        measure,
    };
    let chart = Chart::of_one("parallel.svg".into(), title, |width| lines.draw(width));
    Some(chart.with_legend(legend).with_notes(notes))
}

/// Besides their colours, what tells the named lines apart.
const DASHES: [&str; MOST_NAMED] = ["", "dashed", "dotted", "dash-dot", "long-dash"];

struct Lines<'a> {
    axes: &'a [Swept],
    drawn: Vec<&'a Ranked<'a>>,
    y: Scale,
    measure: Measure,
}

impl Lines<'_> {
    fn draw(&self, width: f64) -> Svg {
        let height = if width < 500.0 { 260.0 } else { 300.0 };
        let measured = axis_label(self.measure.name, self.measure.unit);
        let mut svg = Svg::new(
            width,
            TOP + height + 14.0,
            format!("all axes and {measured}"),
        );
        let count = self.axes.len() + 1;
        // The last axis has its labels to the right of it, the others have theirs there, too.
        let step = (width - 12.0) / (count as f64 - 0.35);
        let x = |axis: usize| 6.0 + axis as f64 * step;
        let y = |place: f64| TOP + height * (1.0 - place.clamp(0.0, 1.0));
        for (place, setting) in self.drawn.iter().enumerate().rev() {
            let points: Vec<(f64, f64)> = self
                .places(setting)
                .into_iter()
                .enumerate()
                .filter_map(|(axis, at)| Some((x(axis), y(at?))))
                .collect();
            let class = match DASHES.get(place) {
                Some(dashes) => format!("line best {} {dashes}", color(place)),
                None => "line others".into(),
            };
            let value = setting.group.reported();
            let value = value.map_or(String::new(), |sample| shown(sample, self.measure.unit));
            svg.told_path(&points, &class, &format!("{}\n{value}", setting.titled()));
        }
        let names = short_keys(self.axes.iter().map(|axis| axis.key.as_str()));
        let titles = names.into_iter().chain([measured]);
        for (axis, title) in titles.enumerate() {
            svg.line((x(axis), TOP), (x(axis), TOP + height), "frame");
            let ticks = match self.axes.get(axis) {
                Some(swept) => swept.axis(9).ticks,
                None => ticks(&self.y, self.measure.unit, 7),
            };
            for (place, label) in ticks {
                let label = fitted(&label, step - 12.0);
                let at = (x(axis) + 5.0, y(place));
                svg.rect(
                    (at.0 - 2.0, at.1 - 8.0),
                    (text_width(&label) + 3.0, 16.0),
                    "halo",
                    "",
                );
                svg.text(at, Anchor::Start, "small", &label);
            }
            // Titles in two rows: beside each other they would touch.
            let room = if axis + 1 == count {
                step * 0.65
            } else {
                step * 1.9
            };
            let at = (x(axis) - 4.0, if axis % 2 == 0 { 7.0 } else { 21.0 });
            svg.text(at, Anchor::Start, "panel", &fitted(&title, room.max(90.0)));
        }
        svg
    }

    /// Where a setting stands on every axis, in [0, 1].
    fn places(&self, setting: &Ranked<'_>) -> Vec<Option<f64>> {
        let values = self.axes.iter().zip(&setting.group.point);
        let places = values.map(|(axis, value)| axis.place(value.as_ref()?));
        let reached = setting
            .group
            .reported()
            .and_then(|sample| self.y.place(sample.mean));
        places.chain([reached]).collect()
    }
}
