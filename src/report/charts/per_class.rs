//! `per_class.svg`: the accuracy of each class, the worst first.

use super::WIDTH;
use super::confusion::counts;
use super::svg::{Anchor, Svg};
use crate::analysis::{Sample, Unit, shown};
use crate::record::predictions::Predictions;
use crate::record::text::shorten;

/// Of more classes the worst are shown.
const MOST: usize = 40;

/// None without predictions.
pub fn per_class(of: &str, runs: &[&Predictions]) -> Option<Svg> {
    let (classes, _) = counts(runs)?;
    let accuracies: Vec<Vec<Option<f64>>> = runs.iter().filter_map(|run| accuracies(run)).collect();
    let of_class = |(i, class): (usize, &String)| {
        let values = accuracies.iter().filter_map(|run| *run.get(i)?);
        Some((class.clone(), Sample::of(values)?))
    };
    let mut bars: Vec<(String, Sample)> = classes.iter().enumerate().filter_map(of_class).collect();
    bars.sort_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean));
    let all = bars.len();
    bars.truncate(MOST);
    if bars.len() < 2 {
        return None;
    }
    let longest = bars
        .iter()
        .map(|(c, _)| c.chars().count().min(20))
        .max()
        .unwrap_or(1);
    let (left, top, row) = (30.0 + longest as f64 * 6.4, 66.0, 20.0);
    let width = WIDTH - left - 130.0;
    let part = runs.first().map_or("", |run| run.part());
    let title = format!("Accuracy per class of {of}, {part} images");
    let mut svg = Svg::new(WIDTH, top + bars.len() as f64 * row + 24.0, title.clone());
    svg.text((16.0, 22.0), Anchor::Start, "title", &shorten(&title, 80));
    let about = match all > bars.len() {
        true => format!("the {} worst of {all} classes", bars.len()),
        false => "the worst first".to_owned(),
    };
    svg.text((16.0, 46.0), Anchor::Start, "small muted", &about);
    for tenth in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = left + tenth * width;
        let bottom = top + bars.len() as f64 * row;
        svg.line((x, top), (x, bottom), "grid");
        svg.text(
            (x, bottom + 12.0),
            Anchor::Middle,
            "small muted",
            &format!("{:.0} %", tenth * 100.0),
        );
    }
    for (i, (class, sample)) in bars.iter().enumerate() {
        let y = top + i as f64 * row;
        svg.text(
            (left - 6.0, y + row / 2.0),
            Anchor::End,
            "small",
            &shorten(class, 20),
        );
        let text = shown(sample, Unit::Share);
        let tip = format!("{class}: {text} (n = {})", sample.n);
        svg.rect(
            (left, y + 4.0),
            ((sample.mean * width).max(1.0), row - 8.0),
            "heat",
            1.0,
            &tip,
        );
        svg.text(
            (left + width + 10.0, y + row / 2.0),
            Anchor::Start,
            "small",
            &text,
        );
    }
    Some(svg)
}

/// The accuracy of each class in one run; none for a class without images.
fn accuracies(run: &Predictions) -> Option<Vec<Option<f64>>> {
    let (_, counts) = counts(&[run])?;
    let accuracy = |(i, row): (usize, &Vec<usize>)| {
        let total: usize = row.iter().sum();
        (total > 0).then(|| row[i] as f64 / total as f64)
    };
    Some(counts.iter().enumerate().map(accuracy).collect())
}
