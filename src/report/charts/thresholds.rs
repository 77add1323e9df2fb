//! `roc.svg`: what is found of each class, and at what price, over all thresholds for its probability.

use rayon::prelude::*;

use super::chart::{Chart, Entry, HALF, Plot, Row};
use super::confusion::of_the_first;
use super::frame::{Axis, Frame, plot};
use super::svg::{Svg, color};
use crate::metric::{OneAgainstRest, Ranking};
use crate::store::predictions::Predictions;
use crate::store::text::shorten;
use crate::text::{counted, thousands};

/// So many classes have a line each; of more, those at both ends have.
const MOST: usize = 6;
/// Of more classes, so many with the smallest areas have a line.
const LOWEST: usize = 3;
/// And so many with the largest.
const HIGHEST: usize = 2;
/// What lines look like, beside their colours.
const STYLES: [&str; MOST] = ["", "dashed", "dotted", "dash-dot", "long-dash", "thin"];
/// The series of the mean.
const MEAN: usize = 6;
/// Means and bands are taken at so many places along the horizontal axis.
const PLACES: usize = 401;
/// A band leaves out so large a part of the classes at each end.
const BEYOND: f64 = 0.1;
/// Class names are shortened to this many characters.
const LONGEST: usize = 24;

/// Points of a curve, both values in [0, 1].
type Points = Vec<(f64, f64)>;

/// One of the two plots.
struct Kind {
    label: &'static str,
    x: &'static str,
    y: &'static str,
    points: fn(&OneAgainstRest) -> Points,
}

const KINDS: [Kind; 2] = [
    Kind {
        label: "ROC curve",
        x: "false positive rate (%)",
        y: "true positive rate (%)",
        points: OneAgainstRest::roc,
    },
    Kind {
        label: "Precision-recall curve",
        x: "recall (%)",
        y: "precision (%)",
        points: steps,
    },
];

/// The curve whose area is the average precision: up to each recall, the precision there.
fn steps(class: &OneAgainstRest) -> Points {
    let mut reached = 0.0;
    let mut points = Vec::new();
    for (recall, precision) in class.precision_recall() {
        if recall > reached {
            points.extend([(reached, precision), (recall, precision)]);
            reached = recall;
        }
    }
    points
}

/// A class with samples and others beside.
struct Class {
    place: usize,
    auroc: f64,
    average_precision: f64,
    /// The heights of both curves at [`PLACES`] places.
    heights: [Vec<f64>; 2],
}

/// Of the first run; none where it recorded no class's probabilities, or of one class alone.
pub fn thresholds(of: &str, runs: &[&Predictions]) -> Option<Chart> {
    let run = runs.first()?;
    let ranking = run.ranking().filter(|ranking| !ranking.has_nan())?;
    let class = |place| {
        let class = ranking.of_class(place);
        Some(Class {
            place,
            auroc: class.auroc()?,
            average_precision: class.average_precision()?,
            heights: KINDS.each_ref().map(|kind| heights(&(kind.points)(&class))),
        })
    };
    let classes: Vec<Option<Class>> = (0..ranking.classes()).into_par_iter().map(class).collect();
    let classes: Vec<Class> = classes.into_iter().flatten().collect();
    let drawn = Drawn::new(&run.classes, &ranking, &classes);
    if classes.is_empty() {
        return None;
    }
    let plots = KINDS.iter().enumerate().map(|(kind, about)| Plot {
        label: about.label.to_owned(),
        picture: drawn.plot(kind),
        narrow: None,
    });
    let part = run.part();
    let title = format!("ROC and precision-recall curves of {of}: {part} images");
    let rows = vec![Row::new("", plots.collect())];
    let recorded = match (ranking.kept().1.len(), run.frame.height()) {
        (kept, all) if kept < all => format!(
            "Of the {} of {} {part} images whose probabilities are recorded.",
            thousands(kept),
            thousands(all)
        ),
        _ => String::new(),
    };
    let notes = [of_the_first(runs), recorded, drawn.about()];
    Some(
        Chart::of_rows("roc.svg".into(), title, rows)
            .with_notes(notes)
            .with_legend(drawn.legend()),
    )
}

/// What both plots show.
struct Drawn<'a> {
    names: &'a [String],
    ranking: &'a Ranking,
    classes: &'a [Class],
    /// The classes that have a line each.
    lines: Vec<&'a Class>,
}

impl<'a> Drawn<'a> {
    fn new(names: &'a [String], ranking: &'a Ranking, classes: &'a [Class]) -> Self {
        let mut lines: Vec<&Class> = classes.iter().collect();
        if lines.len() > MOST {
            // Stable: of equals the first class.
            lines.sort_by(|a, b| a.auroc.total_cmp(&b.auroc));
            lines.drain(LOWEST..lines.len() - HIGHEST);
        }
        Drawn {
            names,
            ranking,
            classes,
            lines,
        }
    }

    /// Whether there are classes without a line of their own.
    fn has_others(&self) -> bool {
        self.lines.len() < self.classes.len()
    }

    /// Two classes' curves mirror each other, or are the same: no mean is drawn of them.
    fn has_mean(&self) -> bool {
        self.classes.len() > 2
    }

    fn about(&self) -> String {
        let which = match self.has_others() {
            true => format!(
                "Of {} the {LOWEST} with the smallest and the {HIGHEST} with the largest area under the ROC curve.",
                counted(self.classes.len(), "class")
            ),
            false => String::new(),
        };
        format!("Each class against the rest. {which}")
    }

    fn legend(&self) -> Vec<Entry> {
        let areas = |auroc: f64, precision: f64| {
            format!("AUROC {auroc:.3}, average precision {precision:.3}")
        };
        let line = |(series, class): (usize, &&Class)| {
            let name = shorten(self.name(class), LONGEST);
            let label = format!("{name}: {}", areas(class.auroc, class.average_precision));
            Entry::line_of(series, STYLES[series], label)
        };
        let mut entries: Vec<Entry> = self.lines.iter().enumerate().map(line).collect();
        if self.has_mean() {
            let mean = |of: fn(&Class) -> f64| {
                self.classes.iter().map(of).sum::<f64>() / self.classes.len() as f64
            };
            let of_all = areas(mean(|c| c.auroc), mean(|c| c.average_precision));
            entries.push(Entry::line_of(
                MEAN,
                "best",
                format!("mean of the classes: {of_all}"),
            ));
        }
        if self.has_others() {
            entries.push(Entry::area("band others", "the middle 80 % of the classes"));
        }
        entries.push(Entry::line("reference", "by chance"));
        entries
    }

    fn name(&self, class: &Class) -> &str {
        self.names.get(class.place).map_or("", String::as_str)
    }

    fn plot(&self, kind: usize) -> Svg {
        let about = &KINDS[kind];
        let ticks = (0..=5).map(|fifth| (f64::from(fifth) / 5.0, (fifth * 20).to_string()));
        let axis = |label: &str| Axis {
            ticks: ticks.clone().collect(),
            label: label.to_owned(),
        };
        let size = (HALF, HALF - 60.0);
        let (frame, mut svg) = plot(size, about.label, &axis(about.x), &axis(about.y));
        let at = |points: &[(f64, f64)]| {
            let places = points.iter().map(|(x, y)| (frame.x(*x), frame.y(*y)));
            without_hidden(places.collect())
        };
        if self.has_others() {
            let (low, mut high) = (
                at(&self.quantile(kind, BEYOND)),
                at(&self.quantile(kind, 1.0 - BEYOND)),
            );
            high.reverse();
            svg.area(&[low, high].concat(), "band others");
        }
        svg.path(&self.by_chance(kind, &frame), "reference");
        if self.has_mean() {
            let line = format!("line {} best", color(MEAN));
            let mean = self.along(kind, |heights| {
                heights.iter().sum::<f64>() / heights.len() as f64
            });
            svg.path(&at(&mean), &line);
        }
        for (series, class) in self.lines.iter().enumerate().rev() {
            let line = format!("line {} {}", color(series), STYLES[series]);
            let points = (about.points)(&self.ranking.of_class(class.place));
            svg.told_path(&at(&points), &line, self.name(class));
        }
        svg
    }

    /// What a network gives that knows nothing: of the precision, the share of a class, its mean over the classes.
    fn by_chance(&self, kind: usize, frame: &Frame) -> [(f64, f64); 2] {
        let share = 1.0 / self.classes.len() as f64;
        match kind {
            0 => [(frame.x(0.0), frame.y(0.0)), (frame.x(1.0), frame.y(1.0))],
            _ => [
                (frame.x(0.0), frame.y(share)),
                (frame.x(1.0), frame.y(share)),
            ],
        }
    }

    /// A value of the classes' heights at each place.
    fn along(&self, kind: usize, value: impl Fn(&mut [f64]) -> f64) -> Points {
        let at = |i: usize| {
            let mut heights: Vec<f64> = self.classes.iter().map(|c| c.heights[kind][i]).collect();
            (i as f64 / (PLACES - 1) as f64, value(&mut heights))
        };
        (0..PLACES).map(at).collect()
    }

    /// The height that this part of the classes lies below, at each place.
    fn quantile(&self, kind: usize, part: f64) -> Points {
        self.along(kind, |heights| {
            heights.sort_by(f64::total_cmp);
            heights[(part * (heights.len() - 1) as f64).round() as usize]
        })
    }
}

/// The heights of a curve at [`PLACES`] places, by straight lines between its points; of several at a place the last.
fn heights(points: &[(f64, f64)]) -> Vec<f64> {
    let height = |i: usize| {
        let x = i as f64 / (PLACES - 1) as f64;
        let after = points.partition_point(|point| point.0 <= x);
        match (
            after.checked_sub(1).and_then(|i| points.get(i)),
            points.get(after),
        ) {
            (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0),
            (Some(one), None) | (None, Some(one)) => one.1,
            (None, None) => f64::NAN,
        }
    };
    (0..PLACES).map(height).collect()
}

/// Without the points that lie between their neighbours on an upright or a level line, or within half a pixel.
fn without_hidden(points: Points) -> Points {
    let mut kept: Points = Vec::new();
    let last = points.len().saturating_sub(1);
    for (i, point) in points.iter().copied().enumerate() {
        let is_near =
            |other: &(f64, f64)| (point.0 - other.0).abs() + (point.1 - other.1).abs() < 0.5;
        if i < last && kept.last().is_some_and(is_near) {
            continue;
        }
        if let [.., before, between] = kept[..]
            && (before.0 == between.0 && between.0 == point.0
                || before.1 == between.1 && between.1 == point.1)
        {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}
