//! Runs grouped by the axes that differ; the best group, and which others lie within its noise.

use std::collections::HashSet;

use super::comparison::{Comparison, Group, Others, Question};
use super::error::Error;
use super::judge::{judge, repetitions};
use super::recorded::{Recorded, Results};
use super::select::Choice;
use super::{front, groups, others};
use crate::spec::is_replicate;

/// Answers a question about results.
///
/// # Errors
/// A key or metric that is not there; no finished run.
pub fn compare(mut results: Results, question: &Question) -> Result<Comparison, Error> {
    for key in &question.by {
        results.check_key(key)?;
    }
    for filter in &question.filters {
        results.check_key(&filter.key)?;
    }
    let asked_for = others::asks_for_others(&results, question).filter(|_| !question.all);
    let others = match question.all || asked_for.is_some() {
        true => Others::default(),
        false => others::take_out(&mut results),
    };
    results.retain(&question.filters)?;
    let all = results.runs.len();
    let paused = leave_out_held(&mut results.runs);
    results.runs.retain(Recorded::is_finished);
    let unfinished = all - results.runs.len();
    if results.runs.is_empty() {
        return Err(nothing(all, question, &others));
    }
    let choice = Choice::new(question.metric.as_deref(), question.select, &results)?;
    let measures = choice.deciding.with_companions(choice.reported, &results);
    let reported = measures.iter().position(|m| *m == choice.reported);
    let reported = reported.unwrap_or_default();
    let runs: Vec<&Recorded> = results.runs.iter().collect();
    let (axes, repeated, pooled) = axes(&results, &runs, question, &choice);
    let mut members = groups::members(&runs, &axes, &choice, !question.by.is_empty());
    let copies = groups::take_out_copies(&mut members);
    let mut sets: Vec<[&str; 2]> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for group in &members {
        let on = group
            .runs
            .first()
            .map_or([""; 2], |run| choice.images_of(run));
        let place = sets.iter().position(|known| *known == on);
        let images = place.unwrap_or_else(|| {
            sets.push(on);
            sets.len() - 1
        });
        let mut found = groups::group(group, &measures, images, reported);
        found.repetitions = repetitions(group, &choice);
        groups.push(found);
    }
    groups.sort_by_key(|group| group.images);
    for groups in groups.chunk_by_mut(|a, b| a.images == b.images) {
        judge(groups, &choice);
        front::find(groups, &measures, reported);
    }
    let has_again = members.iter().any(|group| group.again > 0);
    Ok(Comparison {
        has_again,
        axes,
        repeated,
        pooled,
        measures,
        reported,
        optimistic: choice.optimistic,
        groups,
        images: sets.len(),
        unfinished,
        paused,
        others,
        asked_for,
        copies,
    })
}

/// Leaves out what a search has paused, and what repeats it: a mean over some of a setting's repetitions would stand beside
/// means over all of them. Where nothing else has finished, what has stays. Gives how many runs are left out.
fn leave_out_held(runs: &mut Vec<Recorded>) -> usize {
    let all = runs.len();
    let held: HashSet<String> = runs
        .iter()
        .filter(|run| run.is_paused())
        .map(|run| run.setting.clone())
        .collect();
    let is_whole = |run: &Recorded| run.is_finished() && !held.contains(&run.setting);
    match runs.iter().any(is_whole) {
        true => runs.retain(|run| !held.contains(&run.setting)),
        false => runs.retain(|run| !run.is_paused()),
    }
    all - runs.len()
}

/// Why there is nothing to compare.
fn nothing(all: usize, question: &Question, others: &Others) -> Error {
    let why = match (all, question.filters.is_empty()) {
        (0, false) => "no run matches --where",
        _ if others.count > 0 => "no run of the present spec has finished yet",
        _ => "no run has finished yet",
    };
    Error::Nothing(match others.count {
        0 => why.into(),
        1 => format!("{why}; 1 run of an earlier form of it is in the folder: add --all"),
        n => format!("{why}; {n} runs of earlier forms of it are in the folder: add --all"),
    })
}

/// The keys to group by, the axes on which runs repeat one another, and the keys that are pooled.
fn axes(
    results: &Results,
    runs: &[&Recorded],
    question: &Question,
    choice: &Choice,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let differs = |key: &&String| {
        let mut values = runs.iter().map(|run| run.value(key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let differing = results.axes.iter().filter(differs).cloned();
    let (repeated, mut axes): (Vec<String>, Vec<String>) =
        differing.partition(|key| is_replicate(key));
    axes.extend(groups::telling_keys(runs, &axes, choice));
    if question.by.is_empty() {
        return (axes, repeated, Vec::new());
    }
    let by = &question.by;
    let is_pooled = |key: &&String| {
        let members = groups::members(runs, by, choice, true);
        !by.contains(key)
            && members.iter().any(|group| {
                let mut values = group.runs.iter().map(|run| groups::value_of(run, key));
                let first = values.next();
                values.any(|value| Some(value) != first)
            })
    };
    let pooled = axes.iter().filter(is_pooled).cloned().collect();
    let repeated = repeated.into_iter().filter(|key| !by.contains(key));
    (by.clone(), repeated.collect(), pooled)
}
