//! `per_class.svg`: the accuracy per class, the worst first.

use super::chart::Chart;
use super::confusion::{Counts, pooled};
use super::frame::{fitted, text_width};
use super::svg::{Anchor, Svg};
use crate::analysis::{Sample, Unit, shown};
use crate::store::predictions::Predictions;
use crate::store::text::shorten;
use crate::text::counted;

/// Of more classes the worst are shown.
const MOST: usize = 40;
const ROW: f64 = 22.0;
/// Class names are shortened to this many characters.
const LONGEST: usize = 24;

/// A class with its accuracy over the runs.
struct Bar {
    class: String,
    accuracy: Sample,
    /// In one run.
    images: usize,
}

/// None without predictions.
pub fn per_class(of: &str, runs: &[&Predictions]) -> Option<Chart> {
    let of_first = Counts::of(runs.get(..1)?)?;
    let accuracies: Vec<Vec<Option<f64>>> = runs.iter().filter_map(|run| accuracies(run)).collect();
    let bar = |(i, class): (usize, &String)| {
        let values = accuracies.iter().filter_map(|run| *run.get(i)?);
        Some(Bar {
            class: class.clone(),
            accuracy: Sample::of(values)?,
            images: *of_first.labels.get(i)?,
        })
    };
    let mut bars: Vec<Bar> = of_first
        .classes
        .iter()
        .enumerate()
        .filter_map(bar)
        .collect();
    bars.sort_by(|a, b| a.accuracy.mean.total_cmp(&b.accuracy.mean));
    let all = bars.len();
    bars.truncate(MOST);
    if bars.len() < 2 {
        return None;
    }
    let part = runs.first()?.part();
    let title = format!(
        "Accuracy per class (%) of {of}: {part} images{}",
        pooled("mean", runs)
    );
    let which = match all > bars.len() {
        true => format!(
            "The {} worst of {all} classes, the worst first.",
            bars.len()
        ),
        false => "The worst class first.".to_owned(),
    };
    let spread = match runs.len() {
        1 => String::new(),
        n => format!(" ± standard deviation over {}.", counted(n, "run")),
    };
    let chart = Chart::of_one("per_class.svg".into(), title, |width| {
        draw(width, &bars, part)
    });
    Some(chart.with_notes([format!(
        "{which}{spread} In brackets: {part} images of the class."
    )]))
}

fn draw(width: f64, bars: &[Bar], part: &str) -> Svg {
    let name = |bar: &Bar| format!("{} ({})", shorten(&bar.class, LONGEST), bar.images);
    let names = bars.iter().map(|bar| text_width(&name(bar)));
    let left = (names.fold(0.0, f64::max) + 8.0).min(width * 0.36);
    let values = bars
        .iter()
        .map(|bar| text_width(&shown(&bar.accuracy, Unit::Share)));
    let scale = width - left - values.fold(0.0, f64::max) - 14.0;
    let bottom = bars.len() as f64 * ROW;
    let mut svg = Svg::new(
        width,
        bottom + 22.0,
        format!("accuracy per class, {part} images"),
    );
    let every = if scale < 200.0 { 0.5 } else { 0.25 };
    for i in 0..=(1.0 / every) as usize {
        let share = i as f64 * every;
        let x = left + share * scale;
        svg.line((x, 0.0), (x, bottom), "grid");
        let label = format!("{:.0} %", share * 100.0);
        svg.text((x, bottom + 12.0), Anchor::Middle, "small muted", &label);
    }
    for (i, bar) in bars.iter().enumerate() {
        let (y, accuracy) = (i as f64 * ROW, &bar.accuracy);
        let middle = y + ROW / 2.0;
        svg.text(
            (left - 6.0, middle),
            Anchor::End,
            "small",
            &fitted(&name(bar), left - 6.0),
        );
        let text = shown(accuracy, Unit::Share);
        let tip = format!(
            "{}: {text} (n = {}), {}",
            bar.class,
            accuracy.n,
            counted(bar.images, &format!("{part} image"))
        );
        let size = ((accuracy.mean * scale).max(1.0), ROW - 8.0);
        svg.rect((left, y + 4.0), size, "bar", &tip);
        if let Some(deviation) = accuracy.deviation.filter(|d| *d > 0.0) {
            let x = |share: f64| left + share.clamp(0.0, 1.0) * scale;
            let (low, high) = (x(accuracy.mean - deviation), x(accuracy.mean + deviation));
            svg.line((low, middle), (high, middle), "whisker");
        }
        let beside = (left + scale + 10.0, middle);
        svg.text(beside, Anchor::Start, "small", &text);
    }
    svg
}

/// The accuracy of each class in one run; none for a class without images.
fn accuracies(run: &Predictions) -> Option<Vec<Option<f64>>> {
    let counts = Counts::of(&[run])?;
    let accuracy = |(class, &images): (usize, &usize)| {
        (images > 0).then(|| counts.of_cell(class, class) as f64 / images as f64)
    };
    Some(counts.labels.iter().enumerate().map(accuracy).collect())
}
