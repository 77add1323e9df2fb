//! `runner predict`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::format::{Format, print_json, table as fitted_table};
use super::log::with_progress;
use super::number::from_one;
use crate::data::{self, image_files};
use crate::inference::{Error, ImagePrediction, Model, Predictions, Ranked, predict};
use crate::sink::progress::Verbosity;
use crate::spec::OnBadImage;
use crate::terminal;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner predict results/photos/runs/all-0-1a2b3c4d holiday.jpg more/ --format json
  runner predict classify.toml holiday.jpg

classify.toml is a spec with backbone.include_top: ImageNet's classes, nothing trained.")]
pub(super) struct PredictArgs {
    /// A run's folder, results/<name>/runs/<run>, its model.safetensors, or a spec with backbone.include_top
    run: PathBuf,
    /// Image files, or folders of them: JPEG, PNG, WebP, GIF, BMP, TIFF
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// How many of the most probable classes
    #[arg(long, value_name = "N", default_value = "5", value_parser = from_one, allow_negative_numbers = true)]
    top: NonZeroUsize,
    /// Predict with something else: training.device=cpu, dataset.on_bad_image=skip …; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &PredictArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let files = image_files(&args.images);
    let all = files.len();
    let (model, found) = with_progress(verbosity, |progress| {
        let model = Model::open_for_images(&args.run, &args.overrides, progress)?;
        let found = predict(&model, files, args.top.get(), progress)?;
        Ok::<_, Error>((model, found))
    })?;
    let leaves_out = model.spec.dataset.on_bad_image == OnBadImage::Skip;
    // What is only left out is no failure.
    let (left_out, failed): (Vec<_>, Vec<_>) = found
        .bad
        .iter()
        .partition(|bad| leaves_out && matches!(bad, data::Error::Image(_)));
    for bad in left_out.iter().filter(|_| verbosity > Verbosity::Quiet) {
        terminal::say(&format!("warning: {} (left out)", reason(bad)));
    }
    for bad in &failed {
        terminal::say(&format!("error: {}", reason(bad)));
    }
    match args.format {
        Format::Json => print_json(&json!({
            "model": model.path.display().to_string(),
            "images": found.images,
            "unreadable": found.bad.iter().map(reason).collect::<Vec<_>>(),
        }))?,
        Format::Table if found.images.is_empty() => {}
        Format::Table => terminal::print(&table(&found.images))?,
    }
    if !failed.is_empty() || found.images.is_empty() {
        return Err(Failure::other(shortfall(&found, all)));
    }
    Ok(())
}

/// How many images have no prediction, and what to do about it.
fn shortfall(found: &Predictions, all: usize) -> String {
    let is_image = |bad: &data::Error| matches!(bad, data::Error::Image(_));
    let advice = match found.bad.iter().any(is_image) {
        true => "; to leave out what does not decode: --set dataset.on_bad_image=skip",
        false => "",
    };
    let rest = match found.images.len() {
        0 => "nothing was predicted",
        _ => "the others are predicted",
    };
    let bad = found.bad.len();
    format!("{bad} of {all} could not be read, {rest}{advice}")
}

/// Which file, and what is wrong with it.
fn reason(bad: &data::Error) -> String {
    match bad {
        // Its own advice is for training.
        data::Error::Image(image) => image.to_string(),
        other => other.to_string(),
    }
}

fn table(found: &[ImagePrediction]) -> String {
    if found.iter().any(|image| image.labels.is_some()) {
        return labels_table(found);
    }
    let mut rows = vec![["image", "class", "", "then"].map(String::from).to_vec()];
    for image in found {
        let (first, rest) = match image.predictions.split_first() {
            Some((first, rest)) => (vec![first.class.clone(), percent(first)], rest),
            None => (Vec::new(), &[][..]),
        };
        let rest: Vec<String> = rest
            .iter()
            .map(|ranked| format!("{} {}", ranked.class, percent(ranked)))
            .collect();
        rows.push([vec![image.image.clone()], first, vec![rest.join(", ")]].concat());
    }
    fitted_table(&rows, &[2])
}

fn percent(ranked: &Ranked) -> String {
    format!("{:.1}%", ranked.probability * 100.0)
}

/// Of a model of several labels: those that are predicted, and the most probable classes.
fn labels_table(found: &[ImagePrediction]) -> String {
    let mut rows = vec![
        ["image", "labels", "most probable"]
            .map(String::from)
            .to_vec(),
    ];
    for image in found {
        let labels = image.labels.as_deref().unwrap_or_default();
        let labels = match labels {
            [] => "none".to_owned(),
            labels => labels.join(", "),
        };
        let probable = image.predictions.iter();
        let probable: Vec<String> = probable
            .map(|ranked| format!("{} {}", ranked.class, percent(ranked)))
            .collect();
        rows.push(vec![image.image.clone(), labels, probable.join(", ")]);
    }
    fitted_table(&rows, &[])
}
