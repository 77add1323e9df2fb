//! `time.svg`: what a setting reaches against the time that training it took.

use super::chart::{Chart, Entry};
use super::frame::{Axis, about_axis, axis_label, plot, scale, ticks};
use super::svg::{Anchor, OTHERS, Svg};
use super::view::View;
use crate::analysis::{Measure, Sample, Unit, shown};
use crate::report::experiment::{Ranked, repeats};

/// So many of the best settings have a colour and a mark of their own.
const MOST_NAMED: usize = 6;
/// So many settings have their rank written beside them.
const MOST_RANKS: usize = 30;

/// More settings than this do not say which they are.
const MOST_TOLD: usize = 1000;

/// A setting in the plot.
struct Mark<'a> {
    setting: &'a Ranked<'a>,
    seconds: Sample,
    value: Sample,
    /// No other setting is both better and faster.
    is_unbeaten: bool,
}

/// None where fewer than two settings have finished.
pub(super) fn time(view: &View<'_>) -> Option<Chart> {
    let (experiment, measure) = (view.experiment, view.measure);
    let seconds = |setting: &Ranked<'_>| {
        let runs = setting.runs.iter();
        let times = runs.filter_map(|run| experiment.training_seconds(&run.row.run));
        Sample::of(times.filter(|seconds| *seconds > 0.0))
    };
    let mut marks: Vec<Mark<'_>> = view
        .settings
        .iter()
        .filter_map(|setting| {
            Some(Mark {
                setting,
                seconds: seconds(setting)?,
                value: *setting.group.reported()?,
                is_unbeaten: false,
            })
        })
        .collect();
    if marks.len() < 2 {
        return None;
    }
    find_unbeaten(&mut marks);
    let title = format!("{}: {} by training time", experiment.name, view.measured());
    let y = scale(measure.unit, marks.iter().map(|mark| mark.value.mean));
    let repeats = repeats(experiment, marks.iter().map(|mark| mark.value.n));
    let each = match repeats.is_single() {
        true => "Each mark is one run".to_owned(),
        false => format!("Each mark: the mean of a setting's runs {repeats}"),
    };
    let notes = [
        format!("{each}. Numbers: ranks. The dotted line joins settings that no other one beats in both."),
        "Training time: the sum of a run's epochs, without reading images, computing the frozen part, waiting and \
         testing. Runs done in parallel share the threads."
            .to_owned(),
        about_axis(&y, measure.unit),
    ];
    let named = marks.iter().take(MOST_NAMED).enumerate();
    let mut legend: Vec<Entry> = named
        .map(|(series, mark)| Entry::mark(series, mark.setting.titled()))
        .collect();
    if marks.len() > MOST_NAMED {
        legend.push(Entry::mark(OTHERS, "other settings"));
    }
    let chart = Chart::of_one("time.svg".into(), title, |width| {
        draw(width, &marks, &measure)
    });
    Some(chart.with_legend(legend).with_notes(notes))
}

fn find_unbeaten(marks: &mut [Mark<'_>]) {
    // The settings are ranked: each is unbeaten that is faster than all better ones.
    let mut fastest = f64::INFINITY;
    for mark in marks {
        mark.is_unbeaten = mark.seconds.mean < fastest;
        fastest = fastest.min(mark.seconds.mean);
    }
}

fn draw(width: f64, marks: &[Mark<'_>], measure: &Measure) -> Svg {
    let x = scale(Unit::Seconds, marks.iter().map(|mark| mark.seconds.mean));
    let y = scale(measure.unit, marks.iter().map(|mark| mark.value.mean));
    let height = if width < 500.0 { 240.0 } else { 320.0 };
    let measured = axis_label(measure.name, measure.unit);
    let x_axis = Axis {
        ticks: ticks(&x, Unit::Seconds, (width / 90.0) as usize),
        label: x.label("training time per run (s)"),
    };
    let y_axis = Axis {
        ticks: ticks(&y, measure.unit, 8),
        label: y.label(&measured),
    };
    let label = format!("{measured} by training time");
    let (frame, mut svg) = plot((width, height), &label, &x_axis, &y_axis);
    let at = |mark: &Mark<'_>| {
        let (x, y) = (x.place(mark.seconds.mean)?, y.place(mark.value.mean)?);
        Some((frame.x(x), frame.y(y)))
    };
    let unbeaten = marks.iter().filter(|mark| mark.is_unbeaten);
    svg.path(&unbeaten.filter_map(at).collect::<Vec<_>>(), "reference");
    // The best last, so that they lie on top.
    for (place, mark) in marks.iter().enumerate().rev() {
        let Some(at) = at(mark) else { continue };
        let tip = match marks.len() > MOST_TOLD {
            true => String::new(),
            false => format!(
                "{}\n{} in {}",
                mark.setting.titled(),
                shown(&mark.value, measure.unit),
                shown(&mark.seconds, Unit::Seconds)
            ),
        };
        let series = if place < MOST_NAMED { place } else { OTHERS };
        svg.mark(
            at,
            if series == OTHERS { 4.0 } else { 6.0 },
            series,
            "",
            &tip,
        );
        if place < MOST_RANKS {
            let beside = match at.0 + 24.0 > frame.right() {
                true => ((at.0 - 9.0, at.1), Anchor::End),
                false => ((at.0 + 9.0, at.1), Anchor::Start),
            };
            svg.text(beside.0, beside.1, "small", &mark.setting.rank.to_string());
        }
    }
    svg
}
