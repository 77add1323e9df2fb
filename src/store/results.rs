//! What an experiment has given so far, as the summary reads it.

use super::{Axis, RunRow};

/// The rows of one experiment, in the sweep's order.
#[derive(Clone, Debug)]
pub struct Results<'a> {
    pub axes: &'a [Axis],
    pub runs: Vec<&'a RunRow>,
    /// How many runs of earlier forms of the experiment are recorded beside these.
    pub others: usize,
}
