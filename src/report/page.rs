//! `report.html`: everything on one page that asks for nothing from outside.

use maud::{DOCTYPE, Markup, PreEscaped, html};

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
                @if is_live {
                    noscript { meta http-equiv="refresh" content="5"; }
                }
                (head(&experiment.name, "results"))
                style { (PreEscaped(charts::STYLE)) }
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

/// What stands in the head of every page, which shows something of an experiment.
pub(super) fn head(experiment: &str, what: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        link rel="icon" href="data:,";
        title { (experiment) ": " (what) }
        style { (PreEscaped(STYLE)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Status;
    use crate::store::fixtures::{Sweep, floats, integers, sweep, texts};

    fn page_of(made: &Sweep) -> String {
        let folder = tempfile::tempdir().unwrap();
        made.write(folder.path());
        page(&Experiment::read(folder.path()).unwrap(), Liveness::Still)
    }

    #[test]
    fn names_and_messages_stay_text() {
        let script = "<script>alert(1)</script>";
        let mut made = sweep(
            vec![
                texts("dataset.path", &[script, "a\u{202e}b", "'\" onload=x"]),
                integers("seed", 0..2),
            ],
            2,
        );
        made.runs[0].status = Status::Failed;
        made.runs[0].error = Some("</main><img src=x onerror=alert(1)>\u{1b}[2J".into());
        made.runs[1].device = "<b>cpu".into();
        let page = page_of(&made);
        for harm in [
            script,
            "<img src=x",
            "<b>cpu",
            "\u{202e}",
            "\u{1b}",
            "\" onload",
        ] {
            assert!(!page.contains(harm), "{harm:?}");
        }
        assert!(page.contains("&lt;script&gt;alert(1)"));
    }

    #[test]
    fn many_settings_are_ranked_and_not_listed_in_a_sentence() {
        let page = page_of(&sweep(
            vec![
                texts(
                    "freeze.through",
                    &["none", "block2_pool", "block4_pool", "all"],
                ),
                floats("optimizer.learning_rate", &[1e-4, 1e-3, 1e-2]),
                integers("training.batch_size", [16, 32]),
                integers("seed", 0..3),
            ],
            2,
        ));
        let answer = page.split("id=\"answer\"").nth(1).unwrap();
        let answer = answer.split("</section>").next().unwrap();
        // The best, the next, and at most three that may be as good.
        assert!(answer.matches("batch_size=").count() <= 5, "{answer}");
        let ranking = page.split("id=\"ranking\"").nth(1).unwrap();
        assert_eq!(
            ranking
                .split("</table>")
                .next()
                .unwrap()
                .matches("<tr>")
                .count(),
            25
        );
        assert!(
            page.contains("#ranking tr > :nth-child(4)"),
            "all axes stay in view"
        );
        assert!(
            !page.contains("<details"),
            "paper would lose what is folded away"
        );
    }
}
