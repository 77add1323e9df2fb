//! What an experiment has given so far, as charts and the summary read it.

use std::collections::HashMap;

use super::{Axis, EpochRow, RunRow};

/// The rows of one experiment, in the sweep's order.
#[derive(Clone, Debug)]
pub struct Results<'a> {
    /// The experiment's name.
    pub name: &'a str,
    pub axes: &'a [Axis],
    pub runs: Vec<&'a RunRow>,
    pub epochs: Vec<&'a EpochRow>,
    /// How many runs of earlier forms of the experiment are recorded beside these.
    pub others: usize,
}

impl<'a> Results<'a> {
    /// The epochs of each run that has any, in the order of their first rows.
    pub fn by_run(&self) -> Vec<Vec<&'a EpochRow>> {
        let mut groups: Vec<Vec<&EpochRow>> = Vec::new();
        let mut place: HashMap<&str, usize> = HashMap::new();
        for &row in &self.epochs {
            let at = *place.entry(&row.run).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[at].push(row);
        }
        groups
    }
}
