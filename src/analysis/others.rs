//! Runs of earlier forms of a spec, which lie in the folder of its present ones.

use std::collections::HashSet;

use super::comparison::{Others, Question};
use super::recorded::{Recorded, Results};
use crate::spec::digits_of;

/// So many runs are looked at to say in what the others differ.
const LOOKED_AT: usize = 200;

/// Whether all runs are looked at, since the question names a key by which the others differ from the present ones.
pub(super) fn asks_for_others(results: &Results, question: &Question) -> Option<String> {
    let named = question
        .by
        .iter()
        .chain(question.filters.iter().map(|f| &f.key));
    let values = |is_present: bool, key: &str| -> Vec<String> {
        let runs = results
            .runs
            .iter()
            .filter(|run| run.is_present == is_present);
        let mut values: Vec<String> = runs.map(|run| shown(run, key)).collect();
        values.sort();
        values.dedup();
        values
    };
    let tells_apart = |key: &&String| {
        let present = values(true, key);
        let others = values(false, key);
        present.len() < 2 && others.iter().any(|value| !present.contains(value))
    };
    let mut named = named.filter(|key| !OF_A_RUN.contains(&key.as_str()));
    named.find(tells_apart).cloned()
}

/// What every run has a value of its own of.
const OF_A_RUN: [&str; 3] = ["run", "status", "experiment"];

fn shown(run: &Recorded, key: &str) -> String {
    run.value(key)
        .map_or(String::new(), |value| value.to_string())
}

/// Equal for a run and its copies, under whatever axes they were done.
fn identity(run: &Recorded) -> (&str, &str) {
    (&run.setting, digits_of(&run.row.run))
}

/// Takes out the runs that are not of the present spec, and says in what they differ from those that are.
pub(super) fn take_out(results: &mut Results) -> Others {
    let (present, others): (Vec<_>, Vec<_>) = std::mem::take(&mut results.runs)
        .into_iter()
        .partition(|run| run.is_present);
    results.runs = present;
    let others: Vec<Recorded> = {
        let known: HashSet<_> = results.runs.iter().map(identity).collect();
        let is_new = |run: &Recorded| !known.contains(&identity(run));
        others.into_iter().filter(is_new).collect()
    };
    let settings = |runs: &[Recorded]| -> Vec<_> {
        let first = runs.iter().take(LOOKED_AT);
        first
            .map(|run| (run.experiment.clone(), run.row.setting()))
            .collect()
    };
    let present = settings(&results.runs);
    let mut keys: Vec<String> = Vec::new();
    for (experiment, other) in settings(&others) {
        let near = present.iter().filter(|(name, _)| *name == experiment);
        let near = near.map(|(_, present)| present.differs_from(&other));
        for key in near.min_by_key(Vec::len).unwrap_or_default() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Others {
        count: others.len(),
        keys,
    }
}
