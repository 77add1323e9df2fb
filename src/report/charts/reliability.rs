//! `reliability.svg`: how often predictions are right that a network is so sure of.

use super::chart::{Chart, Entry};
use super::confusion::of_the_first;
use super::frame::{Axis, Frame, Ticks, plot_beside, room_beside};
use super::scale::{Scale, labels};
use super::svg::Svg;
use crate::metric::{Bin, Calibration};
use crate::store::predictions::Predictions;
use crate::text::counted;

/// The heights of the two frames, in pixels.
const UPPER: f64 = 260.0;
const LOWER: f64 = 80.0;

/// Of the first run; none without predictions.
pub fn reliability(of: &str, runs: &[&Predictions]) -> Option<Chart> {
    let run = runs.first()?;
    let calibration = calibration(run)?;
    let part = run.part();
    let title = format!(
        "Reliability of {of}: {part} images, calibration error {:.1} %",
        calibration.error() * 100.0
    );
    let bins = calibration.bins();
    let chart = Chart::of_one("reliability.svg".into(), title, |width| {
        draw(width, bins, part)
    });
    let about = format!(
        "{part} images in {} bins by the probability of what was predicted. Where a bar ends below its mark, the \
         network is surer than it is right; of few images a bar says little. Calibration error: the mean over images \
         of the distance between bar and mark.",
        bins.len()
    );
    let legend = [
        Entry::area("bar", "share of predictions that are right"),
        Entry::line("whisker", "mean probability"),
        Entry::line("reference", "as sure as right"),
    ];
    let chart = chart.with_notes([of_the_first(runs), capitalized(&about)]);
    Some(chart.with_legend(legend))
}

/// None where there is no image, or a probability is no number.
fn calibration(run: &Predictions) -> Option<Calibration> {
    let probabilities = run.frame.column("probability").ok()?.f32().ok()?;
    let (labels, predicted) = (run.text("label")?, run.text("predicted")?);
    let mut calibration = Calibration::default();
    let right = labels.iter().zip(predicted.iter()).map(|(l, p)| l == p);
    for (probability, is_right) in probabilities.iter().zip(right) {
        calibration.add(probability.filter(|p| !p.is_nan())?, is_right);
    }
    calibration.error().is_finite().then_some(calibration)
}

fn draw(width: f64, bins: &[Bin], part: &str) -> Svg {
    let most = bins.iter().map(|bin| bin.samples).max().unwrap_or(0).max(1);
    let scale = Scale::Linear {
        low: 0.0,
        high: most as f64,
    };
    let mut counts = scale.ticks(3);
    counts.retain(|count| count.fract() == 0.0);
    let axis = |ticks: Ticks, label: &str| Axis {
        ticks,
        label: label.to_owned(),
    };
    let placed = counts.iter().zip(labels(&counts));
    let placed = placed.filter_map(|(v, label)| Some((scale.place(*v)?, label)));
    let lower_y = axis(placed.collect(), &format!("{part} images"));
    let upper_y = axis(percents(), "predictions that are right (%)");
    let left = room_beside(&upper_y).max(room_beside(&lower_y));
    let x = |label| axis(percents(), label);

    let about = "accuracy by the probability of the prediction";
    let (upper, mut svg) = plot_beside(left, (width, UPPER), about, &x(""), &upper_y);
    let about = x("probability of the prediction (%)");
    let (lower, below) = plot_beside(left, (width, LOWER), "", &about, &lower_y);
    for (i, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.samples > 0) {
        accuracy(&mut svg, &upper, (i, bins.len()), bin);
    }
    let diagonal = [(upper.x(0.0), upper.y(0.0)), (upper.x(1.0), upper.y(1.0))];
    svg.path(&diagonal, "reference");
    let top = svg.height - 18.0;
    svg.place(&below, (0.0, top));
    for (i, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.samples > 0) {
        let height = bin.samples as f64 / most as f64;
        let (corner, size) = bar(&lower, (i, bins.len()), height);
        let tip = counted(bin.samples, &format!("{part} image"));
        svg.rect((corner.0, corner.1 + top), size, "bar", &tip);
    }
    svg.height = top + below.height;
    svg
}

/// A bin's bar, and its mean probability across it.
fn accuracy(svg: &mut Svg, frame: &Frame, (i, bins): (usize, usize), bin: &Bin) {
    let right = bin.hits as f64 / bin.samples as f64;
    let sure = bin.confidence / bin.samples as f64;
    let tip = format!(
        "{}\n{:.1} % are right, mean probability {:.1} %",
        counted(bin.samples, "image"),
        right * 100.0,
        sure * 100.0
    );
    let (corner, size) = bar(frame, (i, bins), right);
    svg.rect(corner, size, "bar", &tip);
    let y = frame.y(sure);
    svg.line((corner.0, y), (corner.0 + size.0, y), "whisker");
}

/// The corner and the size of a bin's bar of a height in [0, 1].
fn bar(frame: &Frame, (i, bins): (usize, usize), height: f64) -> ((f64, f64), (f64, f64)) {
    let place = |edge: usize| frame.x(edge as f64 / bins as f64);
    let (from, to, top) = (place(i) + 1.0, place(i + 1) - 1.0, frame.y(height));
    ((from, top), (to - from, frame.bottom() - top))
}

/// Ticks every fifth.
fn percents() -> Ticks {
    let tick = |fifth: u32| (f64::from(fifth) / 5.0, (fifth * 20).to_string());
    (0..=5).map(tick).collect()
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}
