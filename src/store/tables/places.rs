//! The order of runs in the tables: that of the sweep, and behind it the others as they come.

use std::collections::HashMap;

/// The place of each run that was seen, by its id.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(HashMap<String, usize>);

impl Places {
    /// Those of a sweep's runs.
    pub fn of(order: &[String]) -> Self {
        let mut places = Places::default();
        for id in order {
            places.give(id);
        }
        places
    }

    /// The place of a run; one that had none comes behind all others.
    pub fn give(&mut self, id: &str) -> usize {
        let next = self.0.len();
        match self.0.get(id) {
            Some(place) => *place,
            None => *self.0.entry(id.to_owned()).or_insert(next),
        }
    }

    /// The place of a run; behind all others where it has none.
    pub fn at(&self, id: &str) -> usize {
        self.0.get(id).copied().unwrap_or(usize::MAX)
    }
}
