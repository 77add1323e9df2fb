//! `confusion.svg` and its like: how often each class was taken for each other one.

use std::collections::BTreeMap;

use super::chart::{Chart, Entry};
use super::frame::{fitted, text_width};
use super::ramp;
use super::svg::{Anchor, Svg};
use crate::store::predictions::Predictions;
use crate::store::text::shorten;
use crate::text::{counted, thousands};

/// Of more classes, those in the most frequent mistakes have a cell each.
const MOST: usize = 100;
/// So many of them.
const SELECTED: usize = 40;
/// Class names are shortened to this many characters.
const LONGEST: usize = 16;
/// Numbers are written into cells that are as wide, in pixels.
const READABLE: f64 = 18.0;

/// How often each class was predicted for images of each, summed over runs that share their classes.
pub(super) struct Counts {
    pub classes: Vec<String>,
    /// Those that are not 0, by label and prediction.
    cells: BTreeMap<(usize, usize), usize>,
    /// Images with each label.
    pub labels: Vec<usize>,
    /// Images with each prediction.
    predicted: Vec<usize>,
}

impl Counts {
    /// None without predictions.
    pub fn of(runs: &[&Predictions]) -> Option<Self> {
        let first = runs.first()?;
        let (classes, places) = (&first.classes, first.places());
        let mut counts = Counts {
            cells: BTreeMap::new(),
            labels: vec![0; classes.len()],
            predicted: vec![0; classes.len()],
            classes: classes.clone(),
        };
        for run in runs.iter().filter(|run| run.classes == *classes) {
            let (labels, predicted) = (run.text("label")?, run.text("predicted")?);
            for (label, predicted) in labels.iter().zip(predicted.iter()) {
                if let (Some(&l), Some(&p)) = (places.get(label?), places.get(predicted?)) {
                    *counts.cells.entry((l, p)).or_default() += 1;
                    counts.labels[l] += 1;
                    counts.predicted[p] += 1;
                }
            }
        }
        Some(counts)
    }

    pub fn of_cell(&self, label: usize, predicted: usize) -> usize {
        self.cells.get(&(label, predicted)).copied().unwrap_or(0)
    }

    /// The classes that have a row and a column each, in order: all, or of too many those in the most frequent mistakes.
    fn shown(&self) -> Vec<usize> {
        if self.classes.len() <= MOST {
            return (0..self.classes.len()).collect();
        }
        let mistakes = self.cells.iter().filter(|((l, p), _)| l != p);
        let mut mistakes: Vec<_> = mistakes.collect();
        // Stable: of equals the first classes.
        mistakes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let mut shown = Vec::new();
        for class in mistakes.into_iter().flat_map(|((l, p), _)| [*l, *p]) {
            if shown.len() < SELECTED && !shown.contains(&class) {
                shown.push(class);
            }
        }
        shown.sort_unstable();
        shown
    }
}

/// What the numbers of these runs are of: `sum over 3 runs`, or nothing for a single one.
pub(super) fn pooled(word: &str, runs: &[&Predictions]) -> String {
    match runs.len() {
        1 => String::new(),
        n => format!(", {word} over {}", counted(n, "run")),
    }
}

/// Which run a chart of one is of, where the setting has several.
pub(super) fn of_the_first(runs: &[&Predictions]) -> String {
    let run = runs.first().and_then(|run| run.text("run")?.get(0));
    match (runs.len(), run) {
        (2.., Some(run)) => format!("Of the run {run}, the first of {}.", runs.len()),
        _ => String::new(),
    }
}

/// What a count is divided by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Normalization {
    /// The images with its label: the diagonal is recall.
    Labels,
    /// The images with its prediction: the diagonal is precision.
    Predictions,
    /// Nothing.
    Counts,
}

/// One of the charts: its file, what it is called beside the others, what the ends of its colours are of.
struct Form {
    file: &'static str,
    choice: &'static str,
    by: Normalization,
    of: &'static str,
}

const FORMS: [Form; 3] = [
    Form {
        file: "confusion.svg",
        choice: "share of the label (rows)",
        by: Normalization::Labels,
        of: "of the images with this label",
    },
    Form {
        file: "confusion_predictions.svg",
        choice: "share of the prediction (columns)",
        by: Normalization::Predictions,
        of: "of the images with this prediction",
    },
    Form {
        file: "confusion_counts.svg",
        choice: "images",
        by: Normalization::Counts,
        of: "images",
    },
];

/// The matrix normalised by rows, by columns and not; none without predictions.
pub fn confusion(of: &str, runs: &[&Predictions]) -> Vec<Chart> {
    let Some(counts) = Counts::of(runs).filter(|counts| counts.classes.len() > 1) else {
        return Vec::new();
    };
    let shown = counts.shown();
    if shown.len() < 2 {
        return Vec::new();
    }
    let part = runs.first().map_or("", |run| run.part());
    let title = format!(
        "Confusion matrix of {of}: {part} images{}",
        pooled("sum", runs)
    );
    let images: usize = counts.labels.iter().sum();
    let mut notes = vec![match counts.classes.len() > shown.len() {
        false => String::new(),
        true => format!(
            "Of {} the {} in the most frequent mistakes; shares are of all images.",
            counted(counts.classes.len(), "class"),
            shown.len()
        ),
    }];
    if runs.len() > 1 {
        notes.push(format!(
            "Each of the {} counts once per run, {} times in all.",
            counted(images / runs.len(), &format!("{part} image")),
            runs.len()
        ));
    }
    let chart = |form: &Form| {
        let matrix = Matrix::new(&counts, &shown, form.by);
        let chart = Chart::of_one(form.file.into(), title.clone(), |width| {
            matrix.draw(width, part)
        });
        let (high, numbers) = match form.by {
            Normalization::Counts => (thousands(matrix.largest), format!("{part} images")),
            _ => ("100 %".to_owned(), "percent".to_owned()),
        };
        let low = if form.by == Normalization::Counts {
            "0"
        } else {
            "0 %"
        };
        let about =
            format!("Rows: labels; columns: predictions; numbers: {numbers}; framed: right.");
        chart
            .with_legend([Entry::ramp(low, &high, form.of)])
            .with_notes([about])
            .with_notes(notes.clone())
            .as_choice(form.choice)
    };
    FORMS.iter().map(chart).collect()
}

/// The cells that are drawn.
struct Matrix<'a> {
    counts: &'a Counts,
    shown: &'a [usize],
    by: Normalization,
    /// The largest count that is drawn.
    largest: usize,
}

impl<'a> Matrix<'a> {
    fn new(counts: &'a Counts, shown: &'a [usize], by: Normalization) -> Self {
        let rows = shown
            .iter()
            .flat_map(|l| shown.iter().map(move |p| (*l, *p)));
        let largest = rows.map(|(l, p)| counts.of_cell(l, p)).max().unwrap_or(0);
        Matrix {
            counts,
            shown,
            by,
            largest,
        }
    }

    fn draw(&self, width: f64, part: &str) -> Svg {
        let n = self.shown.len() as f64;
        let name = |class: usize| shorten(&self.counts.classes[class], LONGEST);
        let names = self.shown.iter().map(|class| text_width(&name(*class)));
        let longest = names.fold(0.0, f64::max);
        let (left, top) = ((longest + 8.0).min(width * 0.3), longest.min(110.0) + 8.0);
        let cell = ((width - left - 1.0) / n).min(64.0);
        let side = cell * n;
        let label = format!("confusion matrix of the {part} images");
        let mut svg = Svg::new(width, top + side + 1.0, label);
        let every = (12.0 / cell).ceil().max(1.0) as usize;
        for (i, class) in self.shown.iter().enumerate().step_by(every) {
            let middle = (i as f64 + 0.5) * cell;
            let beside = fitted(&name(*class), left - 6.0);
            svg.text((left - 6.0, top + middle), Anchor::End, "small", &beside);
            let above = fitted(&name(*class), top - 6.0);
            svg.upright((left + middle, top - 6.0), Anchor::Start, "small", &above);
        }
        for (r, label) in self.shown.iter().enumerate() {
            for (c, predicted) in self.shown.iter().enumerate() {
                let at = (left + c as f64 * cell, top + r as f64 * cell);
                self.cell(&mut svg, at, cell, (*label, *predicted));
            }
        }
        for i in 0..self.shown.len() {
            let at = (left + i as f64 * cell, top + i as f64 * cell);
            svg.rect(at, (cell, cell), "right", "");
        }
        svg.rect((left, top), (side, side), "frame", "");
        svg
    }

    /// A cell with its top left corner at this point; nothing where it has no image.
    fn cell(&self, svg: &mut Svg, at: (f64, f64), size: f64, (label, predicted): (usize, usize)) {
        let counts = self.counts;
        let count = counts.of_cell(label, predicted);
        if count == 0 {
            return;
        }
        let share = |all: usize| count as f64 / all.max(1) as f64;
        let of_label = share(counts.labels[label]);
        let of_predicted = share(counts.predicted[predicted]);
        let tip = format!(
            "{} taken for {}: {}\n{:.1} % of the label, {:.1} % of the prediction",
            counts.classes[label],
            counts.classes[predicted],
            counted(count, "image"),
            of_label * 100.0,
            of_predicted * 100.0
        );
        let (place, text) = match self.by {
            Normalization::Labels => (of_label, whole_percent(of_label)),
            Normalization::Predictions => (of_predicted, whole_percent(of_predicted)),
            Normalization::Counts => (share(self.largest), count.to_string()),
        };
        svg.tile(at, (size, size), &ramp::color(place), &tip);
        if text_width(&text) + 4.0 <= size && size >= READABLE {
            let middle = (at.0 + size / 2.0, at.1 + size / 2.0);
            let class = format!("small {}", ramp::ink(place));
            svg.text(middle, Anchor::Middle, &class, &text);
        }
    }
}

/// `97`, and `<1` for what would be 0.
fn whole_percent(share: f64) -> String {
    match share < 0.005 {
        true => "<1".into(),
        false => format!("{:.0}", share * 100.0),
    }
}
