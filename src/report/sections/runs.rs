//! Every run, in the order of the sweep.

use maud::{Markup, html};

use super::super::experiment::Experiment;
use super::section::section;
use super::table::{Column, Table};
use crate::analysis::Recorded;
use crate::metric::Metrics;
use crate::store::text;
use crate::text::counted;

pub(super) fn runs(experiment: &Experiment) -> Markup {
    let runs = &experiment.runs;
    let failed = || {
        runs.iter()
            .filter_map(|run| Some((&run.row.run, run.row.error.as_ref()?)))
    };
    let part = Scored::of(runs);
    let columns = [
        ("run", false),
        ("status", false),
        ("epochs", true),
        (part.accuracy(), true),
        (part.loss(), true),
        ("seconds", true),
        ("device", false),
    ];
    let caption = format!(
        "All {}, in the order of the sweep",
        counted(runs.len(), "run")
    );
    let table = Table {
        id: "all-runs",
        caption: &caption,
        columns: columns
            .map(|(title, is_number)| Column {
                title: title.into(),
                is_number,
            })
            .into(),
        rows: runs.iter().map(|run| row(run, part)).collect(),
        fixed: 1,
    };
    let content = html! {
        @if failed().next().is_some() {
            p { "Failed:" }
            ul { @for (run, error) in failed() { li { (run) ": " (error) } } }
        }
        (table.markup())
    };
    section("runs", "Runs", content)
}

fn row(run: &Recorded, part: Scored) -> Vec<String> {
    let metrics = part.of_run(run);
    let accuracy = metrics.and_then(Metrics::accuracy);
    vec![
        run.row.run.clone(),
        run.row.status.to_string(),
        run.row.epochs.to_string(),
        accuracy.map_or("–".into(), text::percent),
        metrics.map_or("–".into(), |metrics| format!("{:.4}", metrics.loss)),
        format!("{:.1}", run.row.seconds),
        run.row.device.clone(),
    ]
}

/// The images that the runs' numbers are of.
#[derive(Clone, Copy, PartialEq)]
enum Scored {
    Test,
    Validation,
}

impl Scored {
    /// The test images where any run has seen some.
    fn of(runs: &[Recorded]) -> Self {
        let tested = runs.iter().any(|run| run.row.test.is_some());
        let validated = runs.iter().any(|run| run.validation.is_some());
        if tested || !validated {
            Scored::Test
        } else {
            Scored::Validation
        }
    }

    fn of_run(self, run: &Recorded) -> Option<&Metrics> {
        match self {
            Scored::Test => run.row.test.as_ref(),
            Scored::Validation => run.validation.as_ref(),
        }
    }

    fn accuracy(self) -> &'static str {
        match self {
            Scored::Test => "test accuracy",
            Scored::Validation => "validation accuracy",
        }
    }

    fn loss(self) -> &'static str {
        match self {
            Scored::Test => "test loss",
            Scored::Validation => "validation loss",
        }
    }
}
