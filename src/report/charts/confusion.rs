//! `confusion.svg`: how often each class was taken for each other one.

use std::collections::HashMap;

use super::chart::{Chart, Entry};
use super::frame::{fitted, text_width};
use super::ramp;
use super::svg::{Anchor, Svg};
use crate::store::predictions::Predictions;
use crate::store::text::shorten;
use crate::text::counted;

/// More classes than this have no room for a cell each.
const MOST: usize = 200;
/// Class names are shortened to this many characters.
const LONGEST: usize = 16;

/// The counts `[label][predicted]`, summed over runs that share their classes.
pub(super) fn counts(runs: &[&Predictions]) -> Option<(Vec<String>, Vec<Vec<usize>>)> {
    let classes = &runs.first()?.classes;
    let place: HashMap<&str, usize> = (0..).zip(classes).map(|(i, c)| (c.as_str(), i)).collect();
    let mut counts = vec![vec![0; classes.len()]; classes.len()];
    for run in runs.iter().filter(|run| run.classes == *classes) {
        let (labels, predicted) = (run.text("label")?, run.text("predicted")?);
        for (label, predicted) in labels.iter().zip(predicted.iter()) {
            if let (Some(&l), Some(&p)) = (place.get(label?), place.get(predicted?)) {
                counts[l][p] += 1;
            }
        }
    }
    Some((classes.clone(), counts))
}

/// What the numbers of these runs are of: `sum over 3 runs`, or nothing for a single one.
pub(super) fn pooled(word: &str, runs: &[&Predictions]) -> String {
    match runs.len() {
        1 => String::new(),
        n => format!(", {word} over {}", counted(n, "run")),
    }
}

/// None without predictions.
pub fn confusion(of: &str, runs: &[&Predictions]) -> Option<Chart> {
    let (classes, counts) = counts(runs)?;
    let images: usize = counts.iter().flatten().sum();
    if !(2..=MOST).contains(&classes.len()) || images == 0 {
        return None;
    }
    let part = runs.first()?.part();
    let title = format!(
        "Confusion matrix of {of}: {part} images{}",
        pooled("sum", runs)
    );
    let each = images / runs.len();
    let mut about = format!(
        "Rows: labels; columns: predictions. Numbers: {part} images; colours: the share of the row; framed: right."
    );
    if runs.len() > 1 {
        about += &format!(
            " Each of the {} counts once per run, {} times in all.",
            counted(each, &format!("{part} image")),
            runs.len()
        );
    }
    let matrix = Matrix { classes, counts };
    let chart = Chart::of_one("confusion.svg".into(), title, |width| {
        matrix.draw(width, part)
    });
    Some(
        chart
            .with_legend([Entry::ramp("0 %", "100 %", "of the images with this label")])
            .with_notes([about]),
    )
}

struct Matrix {
    classes: Vec<String>,
    counts: Vec<Vec<usize>>,
}

impl Matrix {
    fn draw(&self, width: f64, part: &str) -> Svg {
        let n = self.classes.len() as f64;
        let names = self
            .classes
            .iter()
            .map(|class| text_width(&shorten(class, LONGEST)));
        let longest = names.fold(0.0, f64::max);
        let (left, top) = ((longest + 8.0).min(width * 0.3), longest.min(110.0) + 8.0);
        let cell = ((width - left - 1.0) / n).min(64.0);
        let side = cell * n;
        let label = format!("confusion matrix of the {part} images");
        let mut svg = Svg::new(width, top + side + 1.0, label);
        let every = (12.0 / cell).ceil().max(1.0) as usize;
        for (i, class) in self.classes.iter().enumerate().step_by(every) {
            let middle = (i as f64 + 0.5) * cell;
            let class = shorten(class, LONGEST);
            svg.text(
                (left - 6.0, top + middle),
                Anchor::End,
                "small",
                &fitted(&class, left - 6.0),
            );
            let above = fitted(&class, top - 6.0);
            svg.upright((left + middle, top - 6.0), Anchor::Start, "small", &above);
        }
        for (r, row) in self.counts.iter().enumerate() {
            let total: usize = row.iter().sum();
            for (c, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let at = (left + c as f64 * cell, top + r as f64 * cell);
                let share = count as f64 / total.max(1) as f64;
                let tip = format!(
                    "{} taken for {}: {count} of {total} ({:.1} %)",
                    self.classes[r],
                    self.classes[c],
                    share * 100.0
                );
                svg.tile(at, (cell, cell), &ramp::color(share), &tip);
                let text = count.to_string();
                if text_width(&text) + 4.0 <= cell && cell >= 18.0 {
                    let middle = (at.0 + cell / 2.0, at.1 + cell / 2.0);
                    let class = format!("small {}", ramp::ink(share));
                    svg.text(middle, Anchor::Middle, &class, &text);
                }
            }
        }
        for i in 0..self.classes.len() {
            let at = (left + i as f64 * cell, top + i as f64 * cell);
            svg.rect(at, (cell, cell), "right", "");
        }
        svg.rect((left, top), (side, side), "frame", "");
        svg
    }
}
