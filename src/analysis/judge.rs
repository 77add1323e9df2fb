//! Which settings can be told from the best one.

use super::answers::Reader;
use super::comparison::{ALPHA, Group, Verdict};
use super::difference::{Difference, Repetition, p_value};
use super::groups::Members;
use super::measure::Measure;
use super::recorded::Recorded;
use super::select::Choice;
use super::stats::holm;
use crate::store::run_folder;

/// So many of the best settings are compared image by image, which takes reading what their runs predicted.
pub(super) const MOST_WITH_ANSWERS: usize = 30;

/// The runs of a group, each with what it is told apart by from its repetitions.
pub(super) fn repetitions(members: &Members<'_>, choice: &Choice) -> Vec<Repetition> {
    let repetition = |run: &&Recorded| {
        Some(Repetition {
            keys: run.replicates(),
            value: choice.reported.of(run)?,
            folder: run_folder(&run.folder, &run.row.run),
            answers: None,
        })
    };
    members.runs.iter().filter_map(repetition).collect()
}

/// Reads which images the runs of these groups classified right, where that is what is reported.
fn read_answers(best: &mut Group, others: &mut [Group], reported: &Measure) {
    let reader = Reader::new(reported.on).filter(|_| reported.is_accuracy());
    let (Some(reader), false) = (reader, others.is_empty()) else {
        return;
    };
    for group in std::iter::once(best).chain(others) {
        for run in &mut group.repetitions {
            let answers = reader.read(&run.folder);
            run.answers = answers.filter(|answers| answers.gives(run.value));
        }
    }
}

/// Sorts the groups by what decides, the best first, and tests what is reported of each against the best.
pub(super) fn judge(groups: &mut [Group], choice: &Choice) {
    let rank = |group: &Group| match group.deciding() {
        Some(sample) if choice.deciding.rises => -sample.mean,
        Some(sample) => sample.mean,
        None => f64::INFINITY,
    };
    groups.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let Some((best, others)) = groups.split_first_mut() else {
        return;
    };
    if best.deciding().is_none() {
        return;
    }
    best.verdict = Verdict::Best;
    let near = others.len().min(MOST_WITH_ANSWERS);
    read_answers(best, &mut others[..near], &choice.reported);
    for group in others.iter_mut() {
        // Runs of different settings are no sample of one.
        if best.settings == 1 && group.settings == 1 {
            group.p_value = p_value(&best.repetitions, &group.repetitions);
            group.difference = Difference::between(&best.repetitions, &group.repetitions);
        }
    }
    let uncorrected: Vec<Option<f64>> = others.iter().map(|group| group.p_value).collect();
    for (group, p) in others.iter_mut().zip(holm(&uncorrected)) {
        group.p_value = p;
        group.verdict = verdict(group, choice.reported.rises);
    }
}

/// A difference is told where neither the runs nor, with them, the images may have made it.
fn verdict(group: &Group, rises: bool) -> Verdict {
    let is_open = group.difference.is_some_and(|d| d.holds_zero());
    match group.p_value {
        Some(p) if p < ALPHA && !is_open => {
            let mean = group.difference.map_or(0.0, |difference| difference.mean);
            match mean != 0.0 && (mean > 0.0) == rises {
                true => Verdict::Better,
                false => Verdict::Worse,
            }
        }
        Some(_) => Verdict::WithinNoise,
        None if is_open => Verdict::WithinNoise,
        None => Verdict::Unknown,
    }
}
