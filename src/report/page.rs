//! `report.html`: everything on one page that asks for nothing from outside.

use maud::{DOCTYPE, PreEscaped, html};

use super::text::harmless;
use super::{Experiment, charts, sections};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const LIVE_SCRIPT: &str = include_str!("live.js");

/// Whether the page is a file, or is served while the experiment may still run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Liveness {
    Still,
    /// Asks the server whether the tables are still those of this version.
    Live(String),
}

/// The whole page.
pub fn page(experiment: &Experiment, liveness: Liveness) -> String {
    let version = match liveness {
        Liveness::Still => None,
        Liveness::Live(version) => Some(version),
    };
    let is_live = version.is_some();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if is_live {
                    noscript { meta http-equiv="refresh" content="5"; }
                }
                link rel="icon" href="data:,";
                title { (experiment.name) ": results" }
                style { (PreEscaped(STYLE)) (PreEscaped(charts::STYLE)) }
            }
            body data-version=[version] {
                a.skip href="#answer" { "To the answer" }
                main #main { (sections::all(experiment)) }
                div #tip role="status" hidden {}
                script {
                    (PreEscaped(SCRIPT))
                    @if is_live { (PreEscaped(LIVE_SCRIPT)) }
                }
            }
        }
    };
    harmless(page.into_string())
}
