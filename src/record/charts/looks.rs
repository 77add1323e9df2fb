//! Which line has which colour and mark, and what they mean.

use super::legend::Entry;
use super::style::{INK, Look, Mark};
use crate::record::rows::{Axis, EpochRow, value_at};
use crate::record::text;
use crate::spec::AxisValue;

type Point = Vec<(String, AxisValue)>;

/// Up to this many runs have a look each; more are coloured by the values of an axis.
const MOST_LOOKS: usize = 7;
/// Marks on a line, where each run has a look of its own, and where runs share one.
const MARKS: usize = 12;
const FEW_MARKS: usize = 4;

/// Which look each run has, and what the looks mean.
pub(super) struct Looks {
    title: String,
    labels: Vec<String>,
    group_of_run: Vec<usize>,
    shared: bool,
    /// Whether every line is a single point.
    points_only: bool,
}

impl Looks {
    /// Looks for these runs: one each, or for many runs one a value of the first axis that is not the seed.
    pub(super) fn of(axes: &[Axis], runs: &[Vec<&EpochRow>]) -> Self {
        let first = |epochs: &Vec<&EpochRow>| {
            epochs
                .first()
                .map(|row| (row.run.clone(), row.point.clone()))
        };
        let points: Vec<_> = runs.iter().filter_map(first).collect();
        let looks = match axes.iter().find(|axis| axis.key != "seed") {
            Some(axis) if points.len() > MOST_LOOKS => Self::by_axis(axis, &points),
            _ => Self::by_run(axes, &points),
        };
        Looks {
            points_only: runs.iter().all(|epochs| epochs.len() == 1),
            ..looks
        }
    }

    fn by_axis(axis: &Axis, points: &[(String, Point)]) -> Self {
        let mut values = axis.values.clone();
        let mut group_of_run = Vec::new();
        for value in points.iter().map(|(_, point)| value_at(point, &axis.key)) {
            let known = |known: &AxisValue| value.is_none_or(|value| known == value);
            group_of_run.push(values.iter().position(known).unwrap_or_else(|| {
                values.extend(value.cloned());
                values.len() - 1
            }));
        }
        Looks {
            title: format!("{} (a line a run)", axis.key),
            labels: values.iter().map(text::value).collect(),
            group_of_run,
            shared: true,
            points_only: false,
        }
    }

    fn by_run(axes: &[Axis], points: &[(String, Point)]) -> Self {
        let label = |(run, point): &(String, Point)| match (axes, &point[..]) {
            (_, []) => run.clone(),
            ([axis], point) => value_at(point, &axis.key).map_or(run.clone(), text::value),
            (_, point) => text::point(point, ", "),
        };
        Looks {
            title: match axes {
                [] => String::new(),
                [axis] => axis.key.clone(),
                _ => "run".to_owned(),
            },
            labels: points.iter().map(label).collect(),
            group_of_run: (0..points.len()).collect(),
            shared: false,
            points_only: false,
        }
    }

    /// What the legend is about.
    pub(super) fn title(&self) -> &str {
        if self.is_single() { "" } else { &self.title }
    }

    /// How many marks a line has.
    pub(super) fn marks(&self) -> usize {
        if self.shared { FEW_MARKS } else { MARKS }
    }

    /// The look of a run's line.
    pub(super) fn of_run(&self, run: usize) -> Look {
        let group = self.group_of_run.get(run).copied().unwrap_or(run);
        Look {
            opacity: if self.shared { 0.75 } else { 1.0 },
            ..Look::nth(group)
        }
    }

    /// The legend; with the meaning of dashes where training and validation share a plot.
    pub(super) fn entries(&self, dashes: bool) -> Vec<Entry> {
        let entry = |look, label: &str| Entry {
            look,
            label: label.to_owned(),
            marked: true,
        };
        let groups = self.labels.iter().enumerate();
        let used = groups.filter(|(group, _)| self.group_of_run.contains(group));
        let mut entries: Vec<Entry> = used
            .map(|(group, label)| entry(Look::nth(group), label))
            .collect();
        if dashes {
            let look = if self.is_single() {
                entries.clear();
                self.of_run(0)
            } else {
                Look {
                    color: INK,
                    mark: Mark::Circle,
                    ..Look::nth(0)
                }
            };
            entries.push(Entry {
                marked: self.points_only,
                ..entry(look.dashed(), "training")
            });
            entries.push(entry(look, "validation"));
        }
        entries
    }

    fn is_single(&self) -> bool {
        self.group_of_run.len() == 1
    }
}
