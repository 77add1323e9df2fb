//! What can be said of a search before its first result.

use std::collections::BTreeMap;

use super::search::Open;
use crate::spec::Experiment;
use crate::text::counted;

/// What a strategy that looks at results will ask, as far as that does not depend on them.
pub(super) struct Foreseen {
    /// `halving: 9 configurations, 1 epoch each; 3 continue to 3, 1 to 9: 21 of 81 epochs`
    pub text: String,
    /// How far each run of the experiment goes, were the first of each round the best.
    pub until: Open,
}

impl Foreseen {
    /// None where the strategy looks at no results.
    pub fn of(experiment: &Experiment) -> Option<Self> {
        if !experiment.is_searched() {
            return None;
        }
        let strategy = &experiment.sweep.strategy;
        if !experiment.is_halved() {
            let more = match experiment.is_over {
                true => String::new(),
                false => "; what follows depends on what they give".into(),
            };
            let count = counted(experiment.questions.len(), "configuration");
            return Some(Foreseen {
                text: format!("{strategy}: first {count}{more}"),
                until: experiment
                    .runs
                    .iter()
                    .enumerate()
                    .map(|(at, _)| (at, None))
                    .collect(),
            });
        }
        // Were all alike, the first of each round would continue; their number is the same whatever they give.
        let mut told = experiment.clone();
        told.ask(&|_, _| Some(0.0)).ok()?;
        let mut until = Open::new();
        let mut rounds: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for question in &told.questions {
            let runs = question.runs.iter();
            let first = told.runs.get(*question.runs.first()?)?;
            let round = rounds.entry(question.round);
            round.or_insert((0, question.epochs(first))).0 += 1;
            until.extend(runs.filter_map(|at| Some((*at, question.until(told.runs.get(*at)?)))));
        }
        let mut rounds = rounds.into_values();
        let (count, epochs) = rounds.next()?;
        let further: Vec<String> = rounds
            .enumerate()
            .map(|(at, (count, epochs))| match at {
                0 if count == 1 => format!("1 continues to {epochs}"),
                0 => format!("{count} continue to {epochs}"),
                _ => format!("{count} to {epochs}"),
            })
            .collect();
        let of = |at: usize, until: Option<usize>| {
            let all = told.runs.get(at).map_or(0, |run| run.spec.epochs());
            until.map_or(all, |until| until.min(all))
        };
        let done: usize = until.iter().map(|(at, until)| of(*at, *until)).sum();
        let all: usize = (0..told.runs.len()).map(|at| of(at, None)).sum();
        Some(Foreseen {
            text: format!(
                "{strategy}: {}, {} each; {}: {done} of {}",
                counted(count, "configuration"),
                counted(epochs, "epoch"),
                further.join(", "),
                counted(all, "epoch")
            ),
            until,
        })
    }
}
