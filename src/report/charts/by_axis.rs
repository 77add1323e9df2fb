//! `compare_<axis>.svg`: the metric against the values of a swept axis. Each setting is a mark of its own; what differs
//! in other axes is told apart by colour or stands in a plot of its own, and is never taken for noise.

use super::axis::Swept;
use super::chart::{Chart, Entry, Plot, Row, width_of_each};
use super::frame::{Axis, Frame, about_axis, axis_label, plot, scale, ticks};
use super::layout::{Layout, OtherAxis};
use super::scale::Scale;
use super::svg::{Svg, color};
use super::view::{View, file_name};
use crate::analysis::{Measure, Sample, Unit, shown};
use crate::report::Experiment;
use crate::report::experiment::{Ranked, one, repeats, spelled};
use crate::store::text;

/// Of more runs than this only the means are drawn.
const MOST_RUNS: usize = 400;
/// More settings than this do not say which they are: nobody hovers over them, and the page would grow.
const MOST_TOLD: usize = 1000;

/// None where no setting has a value of the metric.
pub(super) fn by_axis(view: &View<'_>, axis: usize) -> Option<Chart> {
    let (measure, swept) = (view.measure, view.axes.get(axis)?);
    let others: Vec<OtherAxis<'_>> = view
        .axes
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != axis)
        .collect();
    let layout = Layout::of(&view.settings, &others);
    let marks: Vec<Mark<'_>> = view
        .settings
        .iter()
        .zip(&layout.of)
        .filter_map(|(setting, &(plot, series))| Mark::new(setting, axis, swept, plot, series))
        .collect();
    if marks.is_empty() {
        return None;
    }
    let y = y_scale(&measure, &marks);
    let runs: usize = marks.iter().map(|mark| mark.setting.runs.len()).sum();
    let drawing = Drawing {
        y,
        measure,
        series: layout.series.len(),
        strip: layout.strip,
        swept,
        runs: runs <= MOST_RUNS,
        tells: marks.len() <= MOST_TOLD,
    };
    let title = format!(
        "{}: {} by {}",
        view.experiment.name,
        view.measured(),
        swept.key
    );
    let file = format!("compare_{}.svg", file_name(&swept.key));
    let plots = layout.plots.len();
    let chart = match plots {
        0 => return None,
        1 => Chart::of_one(file, title, |width| drawing.draw(width, "", &marks)),
        _ => {
            let plot = |(i, name): (usize, &String)| {
                let here: Vec<Mark<'_>> = marks
                    .iter()
                    .filter(|mark| mark.plot == i)
                    .cloned()
                    .collect();
                Plot {
                    label: name.clone(),
                    picture: drawing.draw(width_of_each(plots), name, &here),
                    narrow: None,
                }
            };
            let plots = layout.plots.iter().enumerate().map(plot).collect();
            Chart::of_rows(file, title, vec![Row::new("", plots)])
        }
    };
    let entries = layout.series.iter().enumerate();
    let entries = entries.map(|(series, name)| Entry::mark(series, name.clone()));
    let named = layout.series.len() > 1;
    Some(
        chart
            .with_legend(entries.filter(|_| named))
            .with_notes(drawing.notes(view.experiment, &marks, &others)),
    )
}

/// A setting in a plot.
#[derive(Clone)]
struct Mark<'a> {
    setting: &'a Ranked<'a>,
    /// Where its value of the axis stands, in [0, 1].
    place: f64,
    value: String,
    sample: Sample,
    plot: usize,
    series: usize,
}

impl<'a> Mark<'a> {
    fn new(
        setting: &'a Ranked<'a>,
        axis: usize,
        swept: &Swept,
        plot: usize,
        series: usize,
    ) -> Option<Self> {
        let value = setting.group.point.get(axis)?.as_ref()?;
        Some(Mark {
            setting,
            place: swept.place(value)?,
            value: text::value(value),
            sample: *setting.group.reported()?,
            plot,
            series,
        })
    }
}

impl Mark<'_> {
    fn tip(&self, measure: &Measure) -> String {
        format!(
            "{}\n{}: {} (n = {})",
            self.setting.titled(),
            spelled(measure.name),
            shown(&self.sample, measure.unit),
            self.sample.n
        )
    }
}

fn y_scale(measure: &Measure, marks: &[Mark<'_>]) -> Scale {
    let ends = marks.iter().flat_map(|mark| ends(&mark.sample));
    // A loss is positive, a share at most 1: where the bar goes beyond, it ends at the frame.
    let ends = ends.filter(|end| *end > 0.0 && (measure.unit != Unit::Share || *end <= 1.0));
    let runs = marks.iter().flat_map(|mark| &mark.setting.runs);
    let values = runs.filter_map(|run| measure.of(run));
    let means = marks.iter().map(|mark| mark.sample.mean);
    scale(measure.unit, values.chain(means).chain(ends))
}

/// Mean ± standard deviation, where there is one.
fn ends(sample: &Sample) -> impl Iterator<Item = f64> + use<> {
    let (mean, deviation) = (sample.mean, sample.deviation.filter(|d| *d > 0.0));
    let ends = deviation.map(|deviation| [mean + deviation, mean - deviation]);
    ends.into_iter().flatten()
}

/// What all plots of a chart share.
struct Drawing<'a> {
    y: Scale,
    measure: Measure,
    series: usize,
    strip: bool,
    swept: &'a Swept,
    /// Whether each run is drawn.
    runs: bool,
    /// Whether a mark says which setting it is, and has its bar.
    tells: bool,
}

impl Drawing<'_> {
    fn draw(&self, width: f64, name: &str, marks: &[Mark<'_>]) -> Svg {
        let height = if width < 300.0 {
            150.0
        } else if width < 500.0 {
            220.0
        } else {
            300.0
        };
        let measured = axis_label(self.measure.name, self.measure.unit);
        let label = format!("{measured} by {} {name}", self.swept.key);
        let y = Axis {
            ticks: ticks(
                &self.y,
                self.measure.unit,
                ((height / 22.0) as usize).min(9),
            ),
            label: self.y.label(&measured),
        };
        let x = self.swept.axis((width / 60.0) as usize);
        let (frame, svg) = plot((width, height), label.trim_end(), &x, &y);
        let gap = frame.width / self.swept.values.len().max(1) as f64;
        let step = match self.swept.is_numeric() {
            true => 0.0,
            false => (gap / (self.series as f64 + 1.0)).min(22.0),
        };
        let mut canvas = Canvas {
            svg,
            frame,
            drawing: self,
            step,
        };
        for series in 0..self.series {
            canvas.series(series, marks);
        }
        canvas.svg
    }

    fn notes(
        &self,
        experiment: &Experiment,
        marks: &[Mark<'_>],
        others: &[OtherAxis<'_>],
    ) -> Vec<String> {
        let repeats = repeats(experiment, marks.iter().map(|mark| mark.sample.n));
        let keys: Vec<&str> = others.iter().map(|(_, swept)| swept.key.as_str()).collect();
        let mut notes = vec![match (repeats.is_single(), self.runs) {
            _ if !self.tells => format!("Each mark: the mean of a setting's runs {repeats}."),
            (true, _) => "Each mark is one run.".to_owned(),
            (false, true) => format!(
                "Large marks: the mean of a setting's runs; bars: ± standard deviation {repeats}; small marks: \
                 single runs."
            ),
            (false, false) => {
                format!(
                    "Each mark: the mean of a setting's runs; bars: ± standard deviation {repeats}."
                )
            }
        }];
        if self.strip {
            notes.push(format!(
                "Marks at one value differ in {}, and stand beside one another only for room. Short lines: the mean over these settings; how far those are \
                 apart is no noise.",
                keys.join(", ")
            ));
        }
        notes.push(about_axis(&self.y, self.measure.unit));
        notes
    }
}

/// A plot that is being drawn.
struct Canvas<'a> {
    svg: Svg,
    frame: Frame,
    drawing: &'a Drawing<'a>,
    /// Pixels between the series at a value.
    step: f64,
}

impl Canvas<'_> {
    fn y(&self, value: f64) -> Option<f64> {
        let place = self.drawing.y.place(value)?;
        Some(self.frame.y(place))
    }

    fn series(&mut self, series: usize, marks: &[Mark<'_>]) {
        let shift = (series as f64 - (self.drawing.series as f64 - 1.0) / 2.0) * self.step;
        let mut marks: Vec<&Mark<'_>> = marks.iter().filter(|mark| mark.series == series).collect();
        marks.sort_by(|a, b| a.place.total_cmp(&b.place));
        let spread = match self.drawing.strip && !self.drawing.swept.is_numeric() {
            true => 0.7 * self.frame.width / self.drawing.swept.values.len().max(1) as f64,
            false => 0.0,
        };
        // Beside one another by the golden ratio: whatever their ranks, neighbours stay apart.
        let aside =
            |mark: &Mark<'_>| ((mark.setting.rank as f64 * 0.618_034).fract() - 0.5) * spread;
        let x = |mark: &Mark<'_>| self.frame.x(mark.place) + shift + aside(mark);
        let at = |mark: &Mark<'_>| Some((x(mark), self.y(mark.sample.mean)?));
        let line: Vec<(f64, f64)> = marks.iter().filter_map(|mark| at(mark)).collect();
        let places: Vec<f64> = marks.iter().map(|mark| x(mark)).collect();
        if self.drawing.strip {
            self.means(&marks);
        } else if self.drawing.swept.has_order() {
            self.svg
                .path(&line, &format!("line faint {}", color(series)));
        }
        for (mark, x) in marks.iter().zip(places) {
            self.mark(mark, x);
        }
    }

    fn mark(&mut self, mark: &Mark<'_>, x: f64) {
        let (series, measure) = (mark.series, self.drawing.measure);
        let setting = mark.setting;
        if self.drawing.runs && setting.runs.len() > 1 {
            for run in &setting.runs {
                let Some((value, y)) = measure.of(run).and_then(|v| Some((v, self.y(v)?))) else {
                    continue;
                };
                let tip = format!(
                    "{}\n{}: {}",
                    run.row.run,
                    spelled(measure.name),
                    one(value, measure.unit)
                );
                let at = (x + (self.step * 0.3).min(6.0), y);
                self.svg.mark(at, 2.6, series, "faint", &tip);
            }
        }
        if self.drawing.tells {
            self.bar(mark, x);
        }
        if let Some(y) = self.y(mark.sample.mean) {
            let tip = match self.drawing.tells {
                true => mark.tip(&measure),
                false => String::new(),
            };
            let radius = if self.drawing.strip || self.frame.width < 300.0 {
                4.0
            } else {
                5.5
            };
            self.svg.mark((x, y), radius, series, "", &tip);
        }
    }

    /// Mean ± standard deviation; an end beyond the frame has no cap.
    fn bar(&mut self, mark: &Mark<'_>, x: f64) {
        let class = format!("line {}", color(mark.series));
        let Some(mean) = self.y(mark.sample.mean) else {
            return;
        };
        for end in ends(&mark.sample) {
            let beyond = if end > mark.sample.mean {
                self.frame.top
            } else {
                self.frame.bottom()
            };
            let place = self.drawing.y.place(end);
            let place = place.filter(|place| (0.0..=1.0).contains(place));
            let y = place.map_or(beyond, |place| self.frame.y(place));
            self.svg.line((x, mean), (x, y), &class);
            if place.is_some() {
                self.svg.line((x - 4.0, y), (x + 4.0, y), &class);
            }
        }
    }

    /// The mean over the settings at each value of the axis, where there are several.
    fn means(&mut self, marks: &[&Mark<'_>]) {
        let measure = self.drawing.measure;
        for here in marks.chunk_by(|a, b| a.place == b.place) {
            let Some(sample) = Sample::of(here.iter().map(|mark| mark.sample.mean)) else {
                continue;
            };
            if let (Some(y), [first, _, ..]) = (self.y(sample.mean), here) {
                let x = self.frame.x(first.place);
                let tip = format!(
                    "{} = {}\nmean over {} settings: {}",
                    self.drawing.swept.key,
                    first.value,
                    sample.n,
                    one(sample.mean, measure.unit)
                );
                self.svg
                    .rect((x - 16.0, y - 1.5), (32.0, 3.0), "average", &tip);
            }
        }
    }
}
