//! The most confident mistakes, as pictures.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::super::mistakes::{Mistake, heat_folder, most_confident, size};
use super::section::section;
use crate::analysis::Recorded;
use crate::store::predictions::Predictions;

pub(super) fn mistakes(folder: &Path, run: &Recorded, predictions: &Predictions) -> Markup {
    let mistakes = most_confident(predictions);
    if mistakes.is_empty() {
        return html! {};
    }
    let part = predictions.part();
    let heats = heat_folder(folder);
    let heat = |mistake: &Mistake| fs::read(heats.join(mistake.heat_file(&run.row.run))).ok();
    let all: Vec<(Mistake, Option<Vec<u8>>)> = mistakes
        .into_iter()
        .map(|mistake| {
            let heat = heat(&mistake);
            (mistake, heat)
        })
        .collect();
    let has_heat = all.iter().any(|(_, heat)| heat.is_some());
    let content = html! {
        p {
            "The " (part) " images that one run (" (run.row.run) ") got wrong with the highest probability: label, \
             prediction with its probability, file."
            @if has_heat {
                " Beside the first of them what the prediction rests on, glowing on the image as the network saw it, as "
                code { "runner explain" }
                " shows it."
            }
        }
        ul.images.pairs[has_heat] { @for (mistake, heat) in &all { (picture(mistake, heat.as_deref())) } }
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

fn picture(mistake: &Mistake, heat: Option<&[u8]>) -> Markup {
    let Mistake {
        label,
        predicted,
        name,
        ..
    } = mistake;
    let source = data_url(&mistake.png);
    let (width, height) = size(&mistake.png).unzip();
    let (heat_width, heat_height) = heat.and_then(size).unzip();
    html! {
        li {
            div.seen {
                img src=(source) alt=(format!("{name}: {label}, taken for {predicted}")) width=[width] height=[height];
                @if let Some(heat) = heat {
                    img.heat src=(data_url(heat)) alt=(format!("{name}: what {predicted} rests on"))
                        width=[heat_width] height=[heat_height];
                }
            }
            span { b { (label) } }
            span { "taken for " (predicted) ", " (format!("{:.1} %", mistake.probability * 100.0)) }
            span.file { (name) }
        }
    }
}
