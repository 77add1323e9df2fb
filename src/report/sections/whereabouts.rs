//! Where unfinished runs are.

use maud::{Markup, html};

use super::super::experiment::Experiment;
use super::super::whereabouts;
use super::section::section;
use super::table::{Column, Table};

/// So many runs are named.
const NAMED: usize = 5;

pub(super) fn whereabouts(experiment: &Experiment) -> Markup {
    let groups = whereabouts::of(&experiment.folder, &experiment.runs);
    if groups.is_empty() {
        return html! {};
    }
    let column = |title: &str, is_number| Column {
        title: title.into(),
        is_number,
    };
    let row = |group: whereabouts::Whereabouts| {
        let more = if group.runs.len() > NAMED {
            ", …"
        } else {
            ""
        };
        let named: Vec<&str> = group.runs.iter().take(NAMED).map(String::as_str).collect();
        vec![
            group.place,
            group.state,
            group.runs.len().to_string(),
            format!("{}{more}", named.join(", ")),
        ]
    };
    let table = Table {
        id: "whereabouts-table",
        caption: "Runs that have not come to their end, when this page was made",
        columns: vec![
            column("where", false),
            column("state", false),
            column("count", true),
            column("runs", false),
        ],
        rows: groups.into_iter().map(row).collect(),
        fixed: 1,
    };
    section("whereabouts", "Where the runs are", table.markup())
}
