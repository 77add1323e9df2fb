//! What is searched: axes with values or ranges, and the points of them.

use std::cmp::Ordering;

use super::range::Range;
use crate::choice::Mistake;

/// More runs than this are taken for a mistake.
pub const MOST_RUNS: usize = 100_000;

/// The axes of a sweep.
#[derive(Clone, Debug)]
pub struct Space {
    pub axes: Vec<Axis>,
    /// What is drawn follows from it.
    pub seed: u64,
    /// Epochs of a run; the fewest, where runs differ in them.
    pub epochs: usize,
}

/// An axis of a sweep.
#[derive(Clone, Debug)]
pub struct Axis {
    /// As it stands in the spec.
    pub name: String,
    pub values: Values,
    /// Whether runs that differ on it alone repeat one another, as those of two seeds do.
    pub repeats: bool,
}

/// What an axis has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// So many values, each written.
    Listed(usize),
    Range(Range),
}

/// A place on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// The index of a written value.
    Listed(usize),
    /// A value of a range.
    Drawn(f64),
}

/// For each axis a place.
pub type Point = Vec<Place>;

impl Eq for Place {}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Place::Listed(a), Place::Listed(b)) => a.cmp(b),
            (Place::Drawn(a), Place::Drawn(b)) => a.total_cmp(b),
            (Place::Listed(_), Place::Drawn(_)) => Ordering::Less,
            (Place::Drawn(_), Place::Listed(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Space {
    /// How many points there are; none beyond what can be counted, as of ranges.
    pub fn count(&self) -> Option<usize> {
        let mut axes = self.axes.iter();
        axes.try_fold(1usize, |all, axis| match axis.values {
            Values::Listed(length) => all.checked_mul(length),
            Values::Range(_) => None,
        })
    }

    /// The `n`-th of all points; the last axis varies fastest.
    pub(super) fn point(&self, mut n: usize) -> Point {
        let mut point = vec![Place::Listed(0); self.axes.len()];
        for (place, axis) in point.iter_mut().zip(&self.axes).rev() {
            if let Values::Listed(length) = axis.values {
                *place = Place::Listed(n % length.max(1));
                n /= length.max(1);
            }
        }
        point
    }

    /// Every point, of axes that have written values only.
    ///
    /// # Errors
    /// A range, and more points than are possible; `instead` says what else can be done.
    pub(super) fn all(&self, instead: &str) -> Result<Vec<Point>, Mistake> {
        let is_range = |axis: &&Axis| matches!(axis.values, Values::Range(_));
        if let Some(axis) = self.axes.iter().find(is_range) {
            let message = format!("every point of a range cannot be run: {}", axis.name);
            return Err(Mistake::new("axes", message)
                .help(format!("give it a list of values, or {instead}")));
        }
        match self.count() {
            Some(all) if all <= MOST_RUNS => Ok((0..all).map(|n| self.point(n)).collect()),
            all => {
                let count = all.map_or("too many".into(), |n| n.to_string());
                let help = format!("shorten the axes, or {instead}");
                Err(Mistake::new("axes", too_many(&count)).help(help))
            }
        }
    }

    /// Every combination of written values and ends of ranges; of more than `most`, so many of them, evenly.
    pub fn corners(&self, most: usize) -> Vec<Point> {
        let ends = |axis: &Axis| -> Vec<Place> {
            match axis.values {
                Values::Listed(length) => (0..length).map(Place::Listed).collect(),
                Values::Range(range) => [range.min, range.max].map(Place::Drawn).into(),
            }
        };
        let axes: Vec<Vec<Place>> = self.axes.iter().map(ends).collect();
        let count = axes
            .iter()
            .fold(1usize, |all, places| all.saturating_mul(places.len()));
        let step = count.div_ceil(most.max(1)).max(1);
        let corner = |mut n: usize| -> Point {
            let mut corner: Point = axes
                .iter()
                .rev()
                .filter_map(|places| {
                    let place = places.get(n.checked_rem(places.len())?).copied();
                    n /= places.len();
                    place
                })
                .collect();
            corner.reverse();
            corner
        };
        (0..count).step_by(step).map(corner).collect()
    }

    /// The axes on which runs do not repeat one another, and the others.
    pub(super) fn divided(&self) -> (Space, Space) {
        let part = |repeats: bool| Space {
            axes: self
                .axes
                .iter()
                .filter(|axis| axis.repeats == repeats)
                .cloned()
                .collect(),
            ..*self
        };
        (part(false), part(true))
    }

    /// The points of a configuration, one for each of its repetitions: `configuration` and each of `repetitions` are
    /// points of the two [parts](Self::divided) of the axes.
    pub(super) fn joined(&self, configuration: &Point, repetitions: &[Point]) -> Vec<Point> {
        let join = |repetition: &Point| {
            let (mut own, mut repeated) = (configuration.iter(), repetition.iter());
            let places = self.axes.iter().map(|axis| match axis.repeats {
                true => repeated.next(),
                false => own.next(),
            });
            places.flatten().copied().collect()
        };
        repetitions.iter().map(join).collect()
    }
}

fn too_many(count: &str) -> String {
    format!("the sweep has {count} runs; at most {MOST_RUNS} are possible")
}

/// Axes of so many written values each.
#[cfg(test)]
pub(super) fn listed(lengths: &[usize]) -> Space {
    let axis = |length: &usize| Axis {
        name: "x".into(),
        values: Values::Listed(*length),
        repeats: false,
    };
    Space {
        axes: lengths.iter().map(axis).collect(),
        seed: 0,
        epochs: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::range::Scale;
    use super::*;

    #[test]
    fn corners_are_all_combinations_with_ranges_at_their_ends() {
        let mut space = listed(&[2, 1]);
        space.axes[1].values = Values::Range(Range {
            min: 0.5,
            max: 2.0,
            scale: Scale::Linear,
            is_whole: false,
        });
        let (a, b) = (Place::Listed(0), Place::Listed(1));
        let (low, high) = (Place::Drawn(0.5), Place::Drawn(2.0));
        let all = [[a, low], [a, high], [b, low], [b, high]];
        assert_eq!(space.corners(4), all);
        assert_eq!(space.corners(2), [[a, low], [b, low]]);
        assert_eq!(listed(&[100; 20]).corners(7).len(), 7);
    }
}
