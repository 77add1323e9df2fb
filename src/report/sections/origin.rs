//! Where the results come from: the spec, the machine, the versions.

use std::fs;

use maud::{Markup, html};

use super::super::experiment::Experiment;
use super::section::section;
use crate::analysis::Recorded;
use crate::store::{rfc3339, run_folder};

/// The logs of more runs are not looked into for their machines.
const MOST_LOGS: usize = 50;

pub(super) fn spec(experiment: &Experiment) -> Markup {
    let Ok(text) = fs::read_to_string(experiment.folder.join("spec.toml")) else {
        return html! {};
    };
    let content = html! {
        p.note { "The resolved spec, defaults filled in." }
        pre.scroll.tall tabindex="0" { (text) }
    };
    section("spec", "Spec", content)
}

/// The machine and the versions.
pub(super) fn origin(experiment: &Experiment) -> Markup {
    let distinct = |value: &dyn Fn(&Recorded) -> String| {
        let mut values: Vec<String> = experiment.runs.iter().map(value).collect();
        values.sort();
        values.dedup();
        values.join(", ")
    };
    let started = experiment.runs.iter().map(|run| run.row.started).min();
    let seconds = experiment.runs.iter().map(|run| run.row.seconds);
    let seconds: f64 = seconds.filter(|s| s.is_finite()).sum();
    let rows = [
        ("runner", distinct(&|run| run.row.version.clone())),
        ("device", distinct(&|run| run.row.device.clone())),
        ("machine", machines(experiment).join("; ")),
        ("started", started.map_or(String::new(), rfc3339)),
        ("sum of the runs' times", format!("{seconds:.1} s")),
    ];
    let content = html! {
        dl {
            @for (key, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (key) }
                dd { (value) }
            }
        }
    };
    section("origin", "Machine and versions", content)
}

/// The machines that the logs of the runs name.
fn machines(experiment: &Experiment) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for run in experiment.runs.iter().take(MOST_LOGS) {
        let log = run_folder(&experiment.folder, &run.row.run).join("log.jsonl");
        let text = fs::read_to_string(log).unwrap_or_default();
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        for machine in events.filter_map(|event| event["machine"].as_str().map(str::to_owned)) {
            if !found.contains(&machine) {
                found.push(machine);
            }
        }
    }
    found
}
