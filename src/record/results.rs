//! What an experiment has given so far, as charts and the summary read it.

use std::collections::HashMap;

use super::{Axis, EpochRow, RunRow};
use crate::train::Metrics;

/// The rows of one experiment, in the sweep's order.
#[derive(Clone, Debug)]
pub struct Results<'a> {
    /// The experiment's name.
    pub name: &'a str,
    pub axes: &'a [Axis],
    pub runs: Vec<&'a RunRow>,
    pub epochs: Vec<&'a EpochRow>,
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

    /// A run's validation metrics at its best epoch, or at its last where no epoch is known to be best.
    pub fn validation(&self, run: &RunRow) -> Option<&'a Metrics> {
        let mut epochs = self.epochs.iter().filter(|row| row.run == run.run);
        let row = match run.best_epoch {
            Some(best) => epochs.find(|row| row.epoch.epoch == best)?,
            None => epochs.max_by_key(|row| row.epoch.epoch)?,
        };
        row.epoch.validation.as_ref()
    }
}
