//! The most confident mistakes, as pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::super::mistakes::{Mistake, most_confident};
use super::section::section;
use crate::analysis::Recorded;
use crate::store::predictions::Predictions;

pub(super) fn mistakes(run: &Recorded, predictions: &Predictions) -> Markup {
    let mistakes = most_confident(predictions);
    if mistakes.is_empty() {
        return html! {};
    }
    let part = predictions.part();
    let content = html! {
        p {
            "The " (part) " images that one run (" (run.row.run) ") got wrong with the highest probability: label, \
             prediction with its probability, file."
        }
        ul.images { @for mistake in &mistakes { (picture(mistake)) } }
    };
    section(
        "mistakes",
        &format!("Most confident mistakes ({part} images)"),
        content,
    )
}

/// A PNG file as an address.
pub fn data_url(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

fn picture(mistake: &Mistake) -> Markup {
    let Mistake {
        label,
        predicted,
        name,
        ..
    } = mistake;
    let source = data_url(&mistake.png);
    let (width, height) = mistake.size().unzip();
    html! {
        li {
            img src=(source) alt=(format!("{name}: {label}, taken for {predicted}")) width=[width] height=[height];
            span { b { (label) } }
            span { "taken for " (predicted) ", " (format!("{:.1} %", mistake.probability * 100.0)) }
            span.file { (name) }
        }
    }
}
