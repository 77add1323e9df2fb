//! The best setting, by how much, and how sure that is.

use maud::{Markup, html};

use super::super::experiment::{Experiment, spelled};
use super::section::section;
use crate::analysis::{
    self, Comparison, Group, Measure, Sample, Verdict, name_of, shown, unit_of_difference,
    with_interval,
};
use crate::store::Status;
use crate::text::counted;

/// Of more settings that cannot be told from the best only the number is given.
const MOST_NAMED: usize = 3;

pub(super) fn answer(experiment: &Experiment) -> Markup {
    let content = html! {
        @if let Some(comparison) = &experiment.comparison { (best(experiment, comparison)) }
        @else { p { "No run has finished yet." } }
        p.state { (state(experiment)) }
    };
    section("answer", "Answer", content)
}

fn best(experiment: &Experiment, comparison: &Comparison) -> Markup {
    let (Some(best), Some(measure)) = (comparison.groups.first(), comparison.deciding()) else {
        return html! {};
    };
    let name = match comparison.axes.is_empty() {
        true => experiment.name.clone(),
        false => name_of(comparison, best),
    };
    let ranked = comparison.ranked();
    let verb = match ranked.len() {
        1 => "reached a",
        _ => "is best by",
    };
    let reported = comparison
        .reported()
        .filter(|reported| *reported != measure);
    html! {
        p.answer {
            strong { (name) } " " (verb) " " (spelled(measure.name)) ": "
            (value(best.deciding(), measure)) " " (spread(best)) "."
            @if let Some(reported) = reported {
                " Its " (spelled(reported.name)) " is " strong { (value(best.reported(), reported)) } "."
            }
        }
        @if let Some(why) = analysis::optimistic(comparison) { p { (sentence(&why)) } }
        @if comparison.images > 1 {
            p {
                "The settings were measured on " (comparison.images) " different sets of images and are ranked only "
                "against those of the same set; this is the first of them."
            }
        }
        @if let Some(next) = ranked.get(1) {
            p { (next_best(comparison, next)) }
        }
        (close(comparison))
        @if let Some(needed) = analysis::needed(comparison) { p { (sentence(&needed)) } }
        @if let Some(front) = analysis::front(comparison) { p { (sentence(&front)) } }
    }
}

/// The second of the ranking, and how far it is from the best.
fn next_best(comparison: &Comparison, next: &Group) -> Markup {
    let Some(reported) = comparison.reported() else {
        return html! {};
    };
    let interval = next.difference.map(|d| with_interval(&d, reported.unit));
    html! {
        "Next is " (name_of(comparison, next)) " with " (value(next.reported(), reported))
        @if let Some(interval) = interval {
            "; the difference in " (spelled(reported.name)) ", with its 95 % interval: " (interval) (unit_of_difference(reported.unit))
        }
        (sureness(next)) "."
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// The settings that may be as good.
fn close(comparison: &Comparison) -> Markup {
    let others = comparison.ranked().iter();
    let close: Vec<&Group> = others
        .filter(|group| group.verdict == Verdict::WithinNoise)
        .collect();
    let names: Vec<String> = close
        .iter()
        .map(|group| name_of(comparison, group))
        .collect();
    html! {
        @if !close.is_empty() {
            p {
                "Statistically indistinguishable from the best: "
                @if names.len() <= MOST_NAMED { (names.join("; ")) }
                @else {
                    (names.len()) " of the " (comparison.ranked().len() - 1)
                    " other settings, marked ≈ best in the table"
                }
                "."
            }
        }
    }
}

fn value(sample: Option<&Sample>, measure: &Measure) -> String {
    sample.map_or("–".into(), |sample| shown(sample, measure.unit))
}

fn spread(group: &Group) -> String {
    match group.deciding().map_or((0, None), |s| (s.n, s.deviation)) {
        (1, _) => "(1 run)".into(),
        (n, Some(_)) => format!("(mean ± standard deviation, n = {n} runs)"),
        (n, None) => format!("(mean, n = {n} runs)"),
    }
}

fn sureness(group: &Group) -> String {
    match (group.p_value, group.verdict) {
        (Some(p), Verdict::Worse) => {
            format!("; it is more than noise (t-test, corrected p = {p:.2e})")
        }
        (Some(p), Verdict::Better) => format!(
            "; it is the better there (t-test, corrected p = {p:.2e}), though the images that chose did not say so"
        ),
        (Some(p), _) => format!("; it may be noise (t-test, corrected p = {p:.3})"),
        (None, Verdict::WithinNoise) => "; the images alone may have made it".into(),
        _ => "; with one run per setting, whether that is noise is unknown".into(),
    }
}

/// How far the runs are.
fn state(experiment: &Experiment) -> String {
    let all = experiment.runs.len();
    let count = |status| {
        let runs = experiment.runs.iter();
        runs.filter(|run| run.row.status == status).count()
    };
    let finished = count(Status::Finished);
    let (failed, paused) = (count(Status::Failed), count(Status::Paused));
    let rest = [
        (failed, "failed"),
        (paused, "paused, as the search continued without them"),
        (all - finished - failed - paused, "running or interrupted"),
    ];
    let rest = rest.into_iter().filter(|(n, _)| *n > 0);
    let rest: String = rest.map(|(n, what)| format!(", {n} {what}")).collect();
    format!("{finished} of {} finished{rest}", counted(all, "run"))
}
