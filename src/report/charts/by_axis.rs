//! `compare_<axis>.svg`: the metric against the values of a swept axis, every run a point, with mean ± standard
//! deviation; a series for each combination of the other axes' values.

use super::WIDTH;
use super::frame::{Around, Ticks, axis_label, scale, ticks};
use super::legend::Legend;
use super::scale::Scale;
use super::svg::{Svg, color};
use crate::analysis::{Measure, Recorded, Sample, Unit, shown};
use crate::record::text;
use crate::report::Experiment;
use crate::report::experiment::number;
use crate::spec::AxisValue;

/// More combinations of other axes than these are folded into one series.
const MOST_SERIES: usize = 6;
/// So many numbers have a tick each; of more, round ones have.
const MOST_TICKS: usize = 12;

/// Where the values of an axis stand along x.
enum Places {
    /// One place a value, in this order.
    Names(Vec<AxisValue>),
    /// By their size.
    Numbers(Scale, Vec<AxisValue>),
}

impl Places {
    fn of(axis: &str, values: Vec<AxisValue>) -> Self {
        let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
        match numbers {
            // Seeds, and depths counted in layers, are names that happen to be numbers.
            Some(numbers) if numbers.len() > 2 && axis != "seed" && axis != "freeze.through" => {
                Places::Numbers(Scale::fit(numbers.into_iter()), values)
            }
            _ => Places::Names(values),
        }
    }

    fn place(&self, value: &AxisValue) -> Option<f64> {
        match self {
            Places::Names(names) => {
                let at = names.iter().position(|name| name == value)?;
                Some((at as f64 + 0.5) / names.len() as f64)
            }
            Places::Numbers(scale, _) => scale.place(number(value)?),
        }
    }

    fn values(&self) -> &[AxisValue] {
        let (Places::Names(values) | Places::Numbers(_, values)) = self;
        values
    }

    fn ticks(&self) -> Ticks {
        if let Places::Numbers(scale, values) = self
            && values.len() > MOST_TICKS
        {
            return ticks(scale, Unit::Plain, 8);
        }
        let tick = |v: &AxisValue| Some((self.place(v)?, text::value(v)));
        self.values().iter().filter_map(tick).collect()
    }

    fn label(&self, axis: &str) -> String {
        match self {
            Places::Names(_) if axis == "freeze.through" => {
                format!("{axis} (from shallow to deep)")
            }
            Places::Names(_) => axis.to_owned(),
            Places::Numbers(scale, _) => scale.label(axis),
        }
    }
}

/// None where no finished run has the axis.
pub fn by_axis(experiment: &Experiment, axis: &str) -> Option<Svg> {
    let comparison = experiment.comparison.as_ref()?;
    let measure = *comparison.deciding()?;
    let places = Places::of(axis, experiment.values_of(axis));
    let others: Vec<&String> = comparison.axes.iter().filter(|key| *key != axis).collect();
    let runs = experiment.runs.iter().filter(|run| run.is_finished());
    let points: Vec<(&Recorded, AxisValue, f64)> = runs
        .filter_map(|run| Some((run, run.value(axis)?, (measure.of)(run)?)))
        .filter(|(_, _, value)| value.is_finite())
        .collect();
    if points.is_empty() {
        return None;
    }
    let (names, series_of) = series(&points, &others);
    let legend = Legend::new(if names.len() > 1 { &names } else { &[] }, WIDTH - 80.0);
    let y = scale(measure.unit, points.iter().map(|(_, _, value)| *value));
    let measured = measure.name.replace('_', " ");
    let x_ticks = places.ticks();
    let count = x_ticks.len().max(1) as f64;
    let (frame, mut svg) = Around {
        title: &format!("{}: {measured} by {axis}", experiment.name),
        about: "a small mark a run; large mark and bar: mean ± standard deviation",
        x: (x_ticks, places.label(axis)),
        y: (
            ticks(&y, measure.unit, 8),
            y.label(&axis_label(measure.name, measure.unit)),
        ),
        legend: &legend,
    }
    .draw();
    let gap = frame.width / count;
    let step = match places {
        Places::Names(_) => (gap / (names.len() as f64 + 1.0)).min(22.0),
        // Between numbers, beside its place is another number.
        Places::Numbers(..) => 0.0,
    };
    for (s, name) in names.iter().enumerate() {
        let shift = (s as f64 - (names.len() as f64 - 1.0) / 2.0) * step;
        let mut means = Vec::new();
        for value in places.values() {
            let is_here = |i: &usize| series_of[*i] == s && points[*i].1 == *value;
            let here: Vec<usize> = (0..points.len()).filter(is_here).collect();
            let here: Vec<_> = here.into_iter().map(|i| &points[i]).collect();
            let Some(x) = places.place(value).map(|place| frame.x(place) + shift) else {
                continue;
            };
            let at = |value: f64| y.place(value).map(|place| frame.y(place));
            for (run, _, value) in &here {
                if let (Some(y), true) = (at(*value), here.len() > 1) {
                    let tip = format!(
                        "{}\n{}: {}",
                        run.row.run,
                        measure.name,
                        shown_one(*value, &measure)
                    );
                    svg.mark((x + (step * 0.3).min(6.0), y), 3.0, s, "faint", &tip);
                }
            }
            let Some(sample) = Sample::of(here.iter().map(|(_, _, value)| *value)) else {
                continue;
            };
            let deviation = sample.deviation.unwrap_or(0.0);
            if let (Some(top), Some(bottom)) =
                (at(sample.mean + deviation), at(sample.mean - deviation))
                && deviation > 0.0
            {
                let class = format!("line {}", color(s));
                svg.line((x, top), (x, bottom), &class);
                svg.line((x - 4.0, top), (x + 4.0, top), &class);
                svg.line((x - 4.0, bottom), (x + 4.0, bottom), &class);
            }
            if let Some(y) = at(sample.mean) {
                let runs = if sample.n == 1 {
                    "1 run".into()
                } else {
                    format!("{} runs", sample.n)
                };
                let who = if names.len() > 1 {
                    format!("{name}\n")
                } else {
                    String::new()
                };
                let tip = format!(
                    "{axis} = {value}\n{who}{} ({runs})",
                    shown(&sample, measure.unit)
                );
                means.push(((x, y), tip));
            }
        }
        let line: Vec<(f64, f64)> = means.iter().map(|(at, _)| *at).collect();
        svg.path(&line, &format!("line faint {}", color(s)));
        for (at, tip) in means {
            svg.mark(at, 5.5, s, "", &tip);
        }
    }
    Some(svg)
}

pub(super) fn shown_one(value: f64, measure: &Measure) -> String {
    let sample = Sample {
        n: 1,
        mean: value,
        deviation: None,
    };
    shown(&sample, measure.unit)
}

/// The names of the series, and which one each point belongs to.
fn series(points: &[(&Recorded, AxisValue, f64)], others: &[&String]) -> (Vec<String>, Vec<usize>) {
    let mut names: Vec<String> = Vec::new();
    let mut of = Vec::new();
    for (run, ..) in points {
        let point: Vec<_> = others
            .iter()
            .filter_map(|key| Some(((*key).clone(), run.value(key)?)))
            .collect();
        let name = text::point(&point, ", ");
        of.push(
            names
                .iter()
                .position(|known| *known == name)
                .unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                }),
        );
    }
    if names.len() > MOST_SERIES {
        return (vec![String::new()], vec![0; points.len()]);
    }
    (names, of)
}
