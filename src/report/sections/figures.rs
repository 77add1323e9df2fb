//! Charts as parts of the page: text is the page's own, so that it reflows and can be read at any width.

use maud::{Markup, PreEscaped, html};

use super::section::section;
use crate::report::charts::{Chart, Plot, Row};

/// A section of charts; nothing where there is none.
pub(super) fn figures(id: &str, title: &str, charts: &[Chart]) -> Markup {
    if charts.is_empty() {
        return html! {};
    }
    section(
        id,
        title,
        html! {
            @for charts in charts.chunk_by(|one, next| one.choice.is_some() && next.choice.is_some()) {
                @match charts {
                    [chart] => (figure(chart)),
                    charts => (choice(charts)),
                }
            }
        },
    )
}

/// Charts of which one is shown at a time, on paper all of them.
fn choice(charts: &[Chart]) -> Markup {
    let id = |chart: &Chart| format!("choice-{}", chart.file.trim_end_matches(".svg"));
    let group = charts.first().map_or_else(String::new, id);
    html! {
        div.choice role="group" aria-label="Which of these charts is shown" {
            @for (i, chart) in charts.iter().enumerate() {
                label {
                    input type="radio" name=(group) id=(id(chart)) checked[i == 0];
                    (chart.choice.unwrap_or_default())
                }
            }
            @for chart in charts { (figure(chart)) }
        }
    }
}

fn figure(chart: &Chart) -> Markup {
    html! {
        figure {
            figcaption {
                h3 { (chart.title) }
                @for note in &chart.notes { p.note { (note) } }
                @if !chart.legend.is_empty() {
                    ul.legend {
                        @for entry in &chart.legend {
                            li { (PreEscaped(entry.swatch.inline("swatch"))) span { (entry.label) } }
                        }
                    }
                }
            }
            @for row in &chart.rows { (plots(row)) }
        }
    }
}

fn plots(row: &Row) -> Markup {
    let columns = match row.columns() {
        1 => "plots one",
        2 => "plots two",
        _ => "plots three",
    };
    html! {
        @if !row.title.is_empty() { p.row { (row.title) } }
        div class=(columns) { @for plot in &row.plots { (picture(plot)) } }
    }
}

fn picture(plot: &Plot) -> Markup {
    let classes = if plot.narrow.is_some() { "wide" } else { "" };
    html! {
        div.plot {
            @if !plot.label.is_empty() { p.label { (plot.label) } }
            (PreEscaped(plot.picture.inline(classes)))
            @if let Some(narrow) = &plot.narrow {
                div.scroll.narrow { (PreEscaped(narrow.inline(""))) }
            }
        }
    }
}
