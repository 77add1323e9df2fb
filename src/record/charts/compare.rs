//! `compare_<axis>.svg`: validation and test accuracy against the values of a swept axis.

use super::ChartError;
use super::canvas::{Canvas, Point};
use super::curves::{HEAD, MARGIN, WIDTH, head};
use super::legend::{Entry, Legend};
use super::panel::{Area, LEFT_ROOM, Panel, ticks_at};
use super::positions::Positions;
use super::quantity::Quantity;
use super::scale::Scale;
use super::style::{Look, Mark};
use crate::record::rows::{Axis, RunRow, value_at};
use crate::record::{Results, Status};
use crate::spec::AxisValue;
use crate::train::Metrics;

const HEIGHT: i32 = 400;

/// Draws how the values of `axis` compare as SVG: every finished run a point, with the mean and the sample standard
/// deviation over the runs that share a value. The same rows give the same bytes.
///
/// # Errors
/// Only where the drawing library refuses.
pub fn compare(results: &Results, axis: &Axis) -> Result<String, ChartError> {
    let samples = samples(results, axis);
    let positions = Positions::of(axis, samples.iter().map(|s| s.value));
    let quantity = quantity(&samples);
    let parts = parts(quantity, &samples, &positions);
    let y = quantity.scale(parts.iter().flat_map(Part::extent));

    let width = WIDTH - 2 * MARGIN - LEFT_ROOM - 12;
    let (x_ticks, upright) = positions.ticks(width);
    let y_ticks = y.ticks(8);
    let panel = Panel {
        area: Area {
            left: MARGIN + LEFT_ROOM,
            top: HEAD + 10,
            width,
            height: HEIGHT,
        },
        title: "",
        x_label: &positions.label(&axis.key),
        y_label: &y.label(quantity.axis_label),
        x_ticks,
        y_ticks: ticks_at(&y, &y_ticks, quantity.tick_labels(&y_ticks)),
        upright,
    };
    let entries = parts.iter().map(|part| Entry {
        look: part.look,
        label: part.label.clone(),
        marked: true,
    });
    let legend = Legend::new("", entries.collect(), width);
    let legend_top = panel.area.bottom() + panel.room_below() + 6;

    Canvas::draw((WIDTH, legend_top + legend.height() + MARGIN), |canvas| {
        let title = format!("{}: {} by {}", results.name, quantity.name, axis.key);
        head(canvas, &title, &about(samples.len(), &parts))?;
        panel.draw(canvas)?;
        let spread = Spread::of(parts.len(), positions.gap(width));
        for (part, side) in parts.iter().zip(spread.sides) {
            part.draw(canvas, &panel, &y, (side * spread.mean, side * spread.run))?;
        }
        legend.draw(canvas, (MARGIN + LEFT_ROOM, legend_top))
    })
}

/// The line below the title.
fn about(finished: usize, parts: &[Part]) -> String {
    let runs = match finished {
        0 => return "no run has finished yet".to_owned(),
        1 => "1 finished run".to_owned(),
        n => format!("{n} finished runs, a point each"),
    };
    let shared = parts
        .iter()
        .flat_map(|part| &part.groups)
        .any(|group| group.values.len() > 1);
    if shared {
        format!(
            "{runs}; large mark and bar: mean ± standard deviation of the runs that share a value"
        )
    } else {
        runs
    }
}

/// A finished run: its value on the axis and what it reached.
struct Sample<'a> {
    value: &'a AxisValue,
    validation: Option<&'a Metrics>,
    test: Option<&'a Metrics>,
}

fn samples<'a>(results: &Results<'a>, axis: &Axis) -> Vec<Sample<'a>> {
    let sample = |&run: &&'a RunRow| {
        Some(Sample {
            value: value_at(&run.point, &axis.key)?,
            validation: results.validation(run),
            test: run.test.as_ref(),
        })
    };
    let runs = results.runs.iter();
    runs.filter(|run| run.status == Status::Finished)
        .filter_map(sample)
        .collect()
}

/// Accuracy, or the loss where no accuracy was asked for.
fn quantity(samples: &[Sample]) -> Quantity {
    let has_accuracy = |m: &Metrics| m.accuracy.is_some();
    let metrics = samples
        .iter()
        .flat_map(|s| [s.validation, s.test])
        .flatten();
    let all: Vec<&Metrics> = metrics.collect();
    if all.is_empty() || all.into_iter().any(has_accuracy) {
        Quantity::ACCURACY
    } else {
        Quantity::LOSS
    }
}

/// What the runs reached on one part of the data, by the axis' values.
struct Part {
    label: String,
    look: Look,
    groups: Vec<Group>,
}

/// The runs that share a value of the axis.
struct Group {
    /// Along the x axis, in [0, 1].
    place: f64,
    values: Vec<f64>,
}

/// Validation and test, where there is anything to show.
fn parts(quantity: Quantity, samples: &[Sample], positions: &Positions) -> Vec<Part> {
    let part = |label: String, look, metrics: fn(&Sample) -> Option<Metrics>| {
        let point = |s: &Sample| Some((positions.place(s.value)?, (quantity.value)(&metrics(s)?)?));
        Part {
            label,
            look,
            groups: groups(samples.iter().filter_map(point)),
        }
    };
    let test_look = Look {
        mark: Mark::Square,
        ..Look::nth(3)
    };
    let parts = [
        part(
            format!("validation {} (best epoch)", quantity.name),
            Look::nth(0),
            |s| s.validation.cloned(),
        ),
        part(format!("test {}", quantity.name), test_look, |s| {
            s.test.cloned()
        }),
    ];
    parts
        .into_iter()
        .filter(|part| !part.groups.is_empty())
        .collect()
}

/// (place, value) pairs by place, from left to right; values that are not finite are left out.
fn groups(points: impl Iterator<Item = (f64, f64)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, value) in points.filter(|(_, value)| value.is_finite()) {
        match groups.iter_mut().find(|group| group.place == place) {
            Some(group) => group.values.push(value),
            None => groups.push(Group {
                place,
                values: vec![value],
            }),
        }
    }
    groups.sort_by(|a, b| a.place.total_cmp(&b.place));
    groups
}

/// How far marks stand beside a value's place, in pixels, so that they do not hide one another.
struct Spread {
    /// The side of each part: left, right.
    sides: &'static [i32],
    mean: i32,
    run: i32,
}

impl Spread {
    /// For this many parts and values this many pixels apart.
    fn of(parts: usize, gap: i32) -> Self {
        let mean = (gap / 6).clamp(2, 9);
        Spread {
            sides: if parts == 2 { &[-1, 1] } else { &[1] },
            mean: if parts == 2 { mean } else { 0 },
            run: if parts == 2 { 2 * mean + 2 } else { mean + 2 },
        }
    }
}

impl Part {
    /// Every value that has to fit on the y axis.
    fn extent(&self) -> impl Iterator<Item = f64> {
        self.groups.iter().flat_map(|group| {
            let (mean, deviation) = (mean(&group.values), deviation(&group.values));
            let bar = [mean - deviation, mean + deviation];
            group.values.iter().copied().chain(bar)
        })
    }

    /// Draws the runs' points, and at each value the mean with a bar of one standard deviation either way.
    fn draw(
        &self,
        canvas: &Canvas,
        panel: &Panel,
        y: &Scale,
        (beside, run): (i32, i32),
    ) -> Result<(), ChartError> {
        let faint = |opacity| Look {
            opacity,
            ..self.look
        };
        let row = |value: f64| {
            let y = panel.y(y.place(value)?);
            Some(y.clamp(panel.area.top, panel.area.bottom()))
        };
        let mut means: Vec<Point> = Vec::new();
        for group in &self.groups {
            let x = panel.x(group.place);
            let (mean, deviation) = (mean(&group.values), deviation(&group.values));
            means.extend(row(mean).map(|y| (x + beside, y)));
            if group.values.len() < 2 {
                continue;
            }
            if let (Some(top), Some(bottom)) = (row(mean + deviation), row(mean - deviation)) {
                self.bar(canvas, x + beside, (top, bottom))?;
            }
            for y in group.values.iter().filter_map(|&value| row(value)) {
                canvas.mark((x + run, y), 3, &faint(0.5))?;
            }
        }
        canvas.line(&means, &faint(0.35))?;
        means
            .iter()
            .try_for_each(|&at| canvas.mark(at, 5, &self.look))
    }

    fn bar(&self, canvas: &Canvas, x: i32, (top, bottom): (i32, i32)) -> Result<(), ChartError> {
        canvas.line(&[(x, top), (x, bottom)], &self.look)?;
        canvas.line(&[(x - 4, top), (x + 4, top)], &self.look)?;
        canvas.line(&[(x - 4, bottom), (x + 4, bottom)], &self.look)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample standard deviation (over n - 1); 0 for fewer than two values.
fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: Python's `statistics.mean` and `statistics.stdev`.
    #[test]
    fn mean_and_deviation_are_those_of_a_sample() {
        let values = [0.81, 0.84, 0.87];
        assert!((mean(&values) - 0.84).abs() < 1e-12);
        assert!((deviation(&values) - 0.03).abs() < 1e-12);
        assert_eq!(deviation(&[0.5]), 0.0);
    }
}
