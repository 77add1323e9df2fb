//! The best setting, by how much, and how sure that is.

use maud::{Markup, html};

use super::super::experiment::{Experiment, name_of, spelled};
use super::section::section;
use crate::analysis::{Comparison, Group, Measure, Unit, Verdict, shown};
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
    html! {
        p.answer {
            strong { (name) } " " (verb) " " (spelled(measure.name)) ": "
            (value(best, measure)) " " (spread(best)) "."
        }
        @if comparison.images > 1 {
            p {
                "The settings were measured on " (comparison.images) " different sets of images and are ranked only "
                "against those of the same set; this is the first of them."
            }
        }
        @if let Some(next) = ranked.get(1) {
            p {
                "Next is " (name_of(comparison, next)) " with " (value(next, measure)) ", "
                (behind(best, next, measure)) " behind" (sureness(next)) "."
            }
        }
        (close(comparison))
    }
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

fn value(group: &Group, measure: &Measure) -> String {
    let sample = group.deciding();
    sample.map_or("–".into(), |sample| shown(sample, measure.unit))
}

fn spread(group: &Group) -> String {
    match group.deciding().map_or((0, None), |s| (s.n, s.deviation)) {
        (1, _) => "(1 run)".into(),
        (n, Some(_)) => format!("(mean ± standard deviation, n = {n} runs)"),
        (n, None) => format!("(mean, n = {n} runs)"),
    }
}

fn behind(best: &Group, other: &Group, measure: &Measure) -> String {
    let Some((a, b)) = best.deciding().zip(other.deciding()) else {
        return "–".into();
    };
    let difference = (a.mean - b.mean).abs();
    match measure.unit {
        Unit::Share => format!("{:.1} percentage points", difference * 100.0),
        Unit::Seconds => format!("{difference:.1} s"),
        Unit::Plain | Unit::Count => format!("{difference:.4}"),
    }
}

fn sureness(group: &Group) -> String {
    match (group.p_value, group.verdict) {
        (Some(p), Verdict::Worse) => {
            format!("; the difference is more than noise (Welch's t-test, p = {p:.2e})")
        }
        (Some(p), _) => format!("; the difference may be noise (Welch's t-test, p = {p:.3})"),
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
    let rest = [
        (count(Status::Failed), "failed"),
        (
            all - finished - count(Status::Failed),
            "running or interrupted",
        ),
    ];
    let rest = rest.into_iter().filter(|(n, _)| *n > 0);
    let rest: String = rest.map(|(n, what)| format!(", {n} {what}")).collect();
    format!("{finished} of {} finished{rest}", counted(all, "run"))
}
