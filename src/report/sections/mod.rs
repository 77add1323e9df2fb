//! The sections of the page.

mod answer;
mod comparison;
mod figures;
mod mistakes;
mod origin;
mod runs;
mod section;
mod table;
mod whereabouts;

pub use mistakes::data_url;

use figures::figures;
use maud::{Markup, html};

use super::charts;
use super::experiment::Experiment;
use crate::store::predictions::Predictions;

/// Everything between the page's head and its end.
pub fn all(experiment: &Experiment) -> Markup {
    html! {
        h1 { (experiment.name) }
        (answer::answer(experiment))
        (comparison::comparison(experiment))
        (figures("charts", "Charts", &charts::all(experiment)))
        (predictions(experiment))
        (whereabouts::whereabouts(experiment))
        (runs::runs(experiment))
        (origin::spec(experiment))
        (origin::origin(experiment))
    }
}

/// Confusion matrix, accuracy per class, and the most confident mistakes, of the best setting.
fn predictions(experiment: &Experiment) -> Markup {
    // A damaged table of one run does not hide the rest.
    let found = experiment.best_predictions().unwrap_or_default();
    let Some((run, first)) = found.first() else {
        return html! {};
    };
    let all: Vec<&Predictions> = found.iter().map(|(_, predictions)| predictions).collect();
    let of = match experiment.runs.len() {
        1 => experiment.name.clone(),
        _ => experiment.label(run),
    };
    html! {
        (figures("predictions", "Predictions", &charts::of_predictions(&of, &all)))
        (mistakes::mistakes(&experiment.folder, run, first))
    }
}
