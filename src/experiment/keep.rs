//! Which models of a sweep are kept: `training.save`.

use std::collections::HashMap;

use super::error::Error;
use super::prepared::Prepared;
use crate::analysis::{self, Comparison, Question, Results};
use crate::foreign;
use crate::sink::Recorder;
use crate::sink::progress::Reporter;
use crate::spec::Save;
use crate::store::{Status, has_model};
use crate::text::counted;

/// Removes the models that are not to be kept, once every run of the experiment has come to its end, or was left behind
/// by a search that is over: nothing is known of the best before, and a process that is killed leaves all.
///
/// # Errors
/// A folder that cannot be read or written.
pub(super) fn keep(
    prepared: &Prepared,
    recorder: &Recorder,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let save = prepared.experiment.spec.training.save;
    if save.keeps_each() || !prepared.experiment.is_over {
        return Ok(());
    }
    let folder = recorder.folder();
    // Tables that cannot be read are told of elsewhere.
    let Ok(results) = Results::read(&[folder.to_owned()]) else {
        return Ok(());
    };
    let rows = results.runs.iter();
    let status: HashMap<String, Status> = rows
        .map(|run| (run.row.run.clone(), run.row.status))
        .collect();
    let planned = prepared.plan.runs.iter().map(|planned| &planned.run.id);
    let has_ended = |run: &String| {
        let status = status.get(run);
        let ends = [Status::Finished, Status::Failed, Status::Paused];
        status.is_some_and(|status| ends.contains(status))
    };
    if !planned.clone().all(has_ended) {
        return Ok(());
    }
    let name = foreign::one_line(&prepared.experiment.spec.name);
    let kept = match save {
        Save::All | Save::Shared | Save::None => None,
        Save::Best => {
            let best = best(results);
            let Some(best) = best else {
                reporter.warn(&format!(
                    "{name}: every model is kept, as no run can be called the best"
                ));
                return Ok(());
            };
            if !has_model(folder, &best) {
                reporter.warn(&format!(
                    "{name}: the model of the best run, {best}, was left out by an earlier start: --only {best} --set \
                     training.save=all trains it again"
                ));
                return Ok(());
            }
            Some(best)
        }
    };
    let is_surplus = |run: &&String| {
        Some(*run) != kept.as_ref()
            && status.get(*run) == Some(&Status::Finished)
            && has_model(folder, run)
    };
    let surplus: Vec<&String> = planned.filter(is_surplus).collect();
    if !surplus.is_empty() {
        reporter.note(&format!(
            "{name}: training.save = \"{save}\" leaves out {}",
            counted(surplus.len(), "model")
        ));
    }
    surplus
        .into_iter()
        .try_for_each(|run| Ok(recorder.remove_model(run, save)?))
}

/// The best run of the setting that a comparison calls the best.
fn best(results: Results) -> Option<String> {
    let ranked = |question: &Question| analysis::compare(results.clone(), question).ok();
    let of_best = |found: Comparison| found.ranked().first().map(|group| group.runs.clone());
    let setting = ranked(&Question::default()).and_then(of_best)?;
    let each = ranked(&Question {
        by: vec!["run".into()],
        ..Question::default()
    })?;
    let mut runs = each.ranked().iter().filter_map(|group| group.runs.first());
    runs.find(|run| setting.contains(run)).cloned()
}
