//! What a strategy is.

use crate::choice::{Choice, Mistake, Options};

/// More runs than this are taken for a mistake.
pub const MOST_RUNS: usize = 100_000;

/// A strategy that a spec can choose.
#[derive(Debug)]
pub struct Strategy {
    pub choice: Choice,
    /// The points with these options: of axes with so many values each, by this seed.
    pub points: fn(&Options, &[usize], u64) -> Points,
}

/// Points, or why the options do not go with the axes.
pub type Points = Result<Vec<Point>, Mistake>;

/// For each axis the index of its value.
pub type Point = Vec<usize>;

/// The number of all points of axes with so many values each; none beyond what can be counted.
pub(super) fn count(lengths: &[usize]) -> Option<usize> {
    let mut lengths = lengths.iter();
    lengths.try_fold(1usize, |all, length| all.checked_mul(*length))
}

/// The `n`-th of all points; the last axis varies fastest.
pub(super) fn point(mut n: usize, lengths: &[usize]) -> Point {
    let mut point = vec![0; lengths.len()];
    for (index, length) in point.iter_mut().zip(lengths).rev() {
        *index = n % length;
        n /= length;
    }
    point
}

pub(super) fn too_many(count: &str) -> String {
    format!("the sweep has {count} runs; at most {MOST_RUNS} are possible")
}
