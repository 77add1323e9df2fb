//! `confusion.svg`: how often each class was taken for each other one.

use std::collections::HashMap;

use super::WIDTH;
use super::svg::{Anchor, Svg};
use crate::record::predictions::Predictions;
use crate::record::text::shorten;

/// Cells of more classes than this have no room for numbers.
const MOST_NUMBERS: usize = 20;
/// More classes than this have no room for a cell each.
const MOST: usize = 200;

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

/// None without predictions.
pub fn confusion(of: &str, runs: &[&Predictions]) -> Option<Svg> {
    let (classes, counts) = counts(runs)?;
    let n = classes.len();
    if !(2..=MOST).contains(&n) || counts.iter().flatten().sum::<usize>() == 0 {
        return None;
    }
    let longest = classes
        .iter()
        .map(|c| c.chars().count().min(16))
        .max()
        .unwrap_or(1);
    let (left, top) = (36.0 + longest as f64 * 6.4, 72.0 + longest as f64 * 6.4);
    let cell = ((WIDTH - left - 16.0) / n as f64).min(44.0);
    let side = cell * n as f64;
    let part = runs.first().map_or("", |run| run.part());
    let title = format!("Confusion matrix of {of}, {part} images");
    let mut svg = Svg::new(WIDTH, top + side + 24.0, title.clone());
    svg.text((16.0, 22.0), Anchor::Start, "title", &shorten(&title, 80));
    let about =
        "rows: labels; columns: predictions; shaded by the share of the row; orange: mistakes";
    svg.text((16.0, 46.0), Anchor::Start, "small muted", about);
    let every = (12.0 / cell).ceil().max(1.0) as usize;
    for (i, class) in classes.iter().enumerate().step_by(every) {
        let middle = (i as f64 + 0.5) * cell;
        let class = shorten(class, 16);
        svg.text((left - 6.0, top + middle), Anchor::End, "small", &class);
        svg.upright((left + middle, top - 6.0), Anchor::Start, "small", &class);
    }
    for (row, label) in counts
        .iter()
        .zip(&classes)
        .enumerate()
        .map(|(i, (c, l))| ((i, c), l))
    {
        let (r, row) = row;
        let total: usize = row.iter().sum();
        for (c, (&count, predicted)) in row
            .iter()
            .zip(&classes)
            .enumerate()
            .filter(|(_, (n, _))| **n > 0)
        {
            let share = count as f64 / total.max(1) as f64;
            let at = (left + c as f64 * cell, top + r as f64 * cell);
            let tip = format!(
                "{label} taken for {predicted}: {count} of {total} ({:.1} %)",
                share * 100.0
            );
            let class = if r == c { "heat" } else { "error" };
            svg.rect(at, (cell, cell), class, 0.08 + 0.92 * share, &tip);
            if n <= MOST_NUMBERS {
                let class = if share > 0.8 {
                    "small on-dark"
                } else {
                    "small"
                };
                let middle = (at.0 + cell / 2.0, at.1 + cell / 2.0);
                svg.text(middle, Anchor::Middle, class, &count.to_string());
            }
        }
    }
    svg.rect((left, top), (side, side), "frame", 1.0, "");
    Some(svg)
}
