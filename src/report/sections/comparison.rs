//! The ranked table of all settings.

use maud::{Markup, html};

use super::super::experiment::{Experiment, is_numeric};
use super::section::section;
use super::table::{Column, Table};
use crate::analysis::{self, TextFormat};

pub(super) fn comparison(experiment: &Experiment) -> Markup {
    let Some(comparison) = &experiment.comparison else {
        return html! {};
    };
    let (mut rows, numbers) = analysis::rows(comparison, TextFormat::Terminal);
    let titles = rows.remove(0);
    let axes = comparison.axes.len();
    let column = |(i, title): (usize, String)| Column {
        // Of an axis the whole key: there is room.
        title: match comparison.axes.get(i) {
            Some(key) => key.clone(),
            None if title.is_empty() => "verdict".into(),
            None => title,
        },
        is_number: numbers.contains(&i)
            || comparison
                .axes
                .get(i)
                .is_some_and(|_| is_numeric(comparison, i)),
    };
    let rank = Column {
        title: "rank".into(),
        is_number: true,
    };
    let ranked = |(i, row): (usize, Vec<String>)| [vec![(i + 1).to_string()], row].concat();
    let table = Table {
        id: "ranking",
        caption: "Settings, the best first",
        columns: [rank]
            .into_iter()
            .chain(titles.into_iter().enumerate().map(column))
            .collect(),
        rows: rows.into_iter().enumerate().map(ranked).collect(),
        fixed: 1 + axes,
    };
    let content = html! {
        (table.markup())
        @for note in analysis::notes(comparison) { p.note { (note) } }
    };
    section("comparison", "Comparison", content)
}
