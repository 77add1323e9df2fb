//! `compare_<axis>.svg`: the metric against the values of a swept axis, every run a point, with mean ± standard
//! deviation; a series for each combination of the other axes' values.

use super::WIDTH;
use super::frame::{Around, Frame, Ticks, axis_label, scale, ticks};
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
    let points: Vec<Point<'_>> = runs
        .filter_map(|run| Some((run, run.value(axis)?, (measure.of)(run)?)))
        .filter(|(_, _, value)| value.is_finite())
        .collect();
    if points.is_empty() {
        return None;
    }
    let (names, series_of) = series(&points, &others);
    let groups = groups(&points, &series_of, places.values());
    let ends = groups.iter().flat_map(|group| ends(&group.sample));
    // A loss is positive, a share at most 1: where the bar goes beyond, it ends at the frame.
    let ends = ends.filter(|end| *end > 0.0 && (measure.unit != Unit::Share || *end <= 1.0));
    let values = points.iter().map(|(_, _, value)| *value);
    let y = scale(measure.unit, values.chain(ends));
    let legend = Legend::new(if names.len() > 1 { &names } else { &[] }, WIDTH - 80.0);
    let measured = measure.name.replace('_', " ");
    let x_ticks = places.ticks();
    let count = x_ticks.len().max(1) as f64;
    let (frame, svg) = Around {
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
    let mut plot = Plot {
        svg,
        frame,
        y,
        step,
        measure,
    };
    for (series, name) in names.iter().enumerate() {
        let shift = (series as f64 - (names.len() as f64 - 1.0) / 2.0) * step;
        let mut means = Vec::new();
        for group in groups.iter().filter(|group| group.series == series) {
            let Some(x) = places
                .place(group.value)
                .map(|place| frame.x(place) + shift)
            else {
                continue;
            };
            plot.runs(x, group);
            plot.bar(x, group);
            if let Some(y) = plot.at(group.sample.mean) {
                let who = if names.len() > 1 {
                    format!("{name}\n")
                } else {
                    String::new()
                };
                means.push((
                    (x, y),
                    format!("{axis} = {}\n{who}{}", group.value, group.about(&measure)),
                ));
            }
        }
        let line: Vec<(f64, f64)> = means.iter().map(|(at, _)| *at).collect();
        plot.svg
            .path(&line, &format!("line faint {}", color(series)));
        for (at, tip) in means {
            plot.svg.mark(at, 5.5, series, "", &tip);
        }
    }
    Some(plot.svg)
}

/// A finished run, its value of the axis, and that of the measure.
type Point<'a> = (&'a Recorded, AxisValue, f64);

/// The runs of a series that share a value of the axis.
struct Group<'a> {
    series: usize,
    value: &'a AxisValue,
    runs: Vec<&'a Point<'a>>,
    sample: Sample,
}

impl Group<'_> {
    fn about(&self, measure: &Measure) -> String {
        let runs = match self.sample.n {
            1 => "1 run".into(),
            n => format!("{n} runs"),
        };
        format!("{} ({runs})", shown(&self.sample, measure.unit))
    }
}

/// Series by series, in the order of the axis' values.
fn groups<'a>(
    points: &'a [Point<'a>],
    series_of: &[usize],
    values: &'a [AxisValue],
) -> Vec<Group<'a>> {
    let series = series_of.iter().max().map_or(0, |last| last + 1);
    let places = (0..series).flat_map(|series| values.iter().map(move |value| (series, value)));
    let group = |(series, value): (usize, &'a AxisValue)| {
        let here = |(point, of): &(&Point<'_>, &usize)| **of == series && point.1 == *value;
        let pairs = points.iter().zip(series_of).filter(here);
        let runs: Vec<&Point<'_>> = pairs.map(|(point, _)| point).collect();
        let sample = Sample::of(runs.iter().map(|(_, _, value)| *value))?;
        Some(Group {
            series,
            value,
            runs,
            sample,
        })
    };
    places.filter_map(group).collect()
}

/// Mean ± standard deviation, where there is one.
fn ends(sample: &Sample) -> impl Iterator<Item = f64> {
    let (mean, deviation) = (sample.mean, sample.deviation.filter(|d| *d > 0.0));
    let ends = deviation.map(|deviation| [mean + deviation, mean - deviation]);
    ends.into_iter().flatten()
}

/// The chart that is being drawn.
struct Plot {
    svg: Svg,
    frame: Frame,
    y: Scale,
    /// Pixels between the series at a value.
    step: f64,
    measure: Measure,
}

impl Plot {
    fn at(&self, value: f64) -> Option<f64> {
        self.y.place(value).map(|place| self.frame.y(place))
    }

    /// The runs of a group of several, beside its mean.
    fn runs(&mut self, x: f64, group: &Group<'_>) {
        if group.runs.len() < 2 {
            return;
        }
        for (run, _, value) in &group.runs {
            let shown = shown_one(*value, &self.measure);
            let tip = format!("{}\n{}: {shown}", run.row.run, self.measure.name);
            if let Some(y) = self.at(*value) {
                let at = (x + (self.step * 0.3).min(6.0), y);
                self.svg.mark(at, 3.0, group.series, "faint", &tip);
            }
        }
    }

    /// Mean ± standard deviation; an end beyond the frame has no cap.
    fn bar(&mut self, x: f64, group: &Group<'_>) {
        let class = format!("line {}", color(group.series));
        let Some(mean) = self.at(group.sample.mean) else {
            return;
        };
        for end in ends(&group.sample) {
            let beyond = if end > group.sample.mean {
                self.frame.top
            } else {
                self.frame.bottom()
            };
            let place = self
                .y
                .place(end)
                .filter(|place| (0.0..=1.0).contains(place));
            let y = place.map_or(beyond, |place| self.frame.y(place));
            self.svg.line((x, mean), (x, y), &class);
            if place.is_some() {
                self.svg.line((x - 4.0, y), (x + 4.0, y), &class);
            }
        }
    }
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
fn series(points: &[Point<'_>], others: &[&String]) -> (Vec<String>, Vec<usize>) {
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
