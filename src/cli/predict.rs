//! `runner predict`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Failure;
use super::format::{Format, columns, print_json};
use crate::data::image_files;
use crate::inference::{Error, ImagePrediction, Model, Ranked, predict};
use crate::terminal;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  runner predict results/photos/runs/all-0-1a2b3c4d holiday.jpg more/ --format json")]
pub(super) struct PredictArgs {
    /// A run's folder, results/<name>/runs/<run>, or its model.safetensors
    run: PathBuf,
    /// JPEG and PNG files, or folders of them
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// How many of the most probable classes
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &PredictArgs) -> Result<(), Failure> {
    let model = Model::open(&args.run)?;
    let files = image_files(&args.images).map_err(Error::from)?;
    let found = predict(&model, &files, args.top)?;
    match args.format {
        Format::Json => print_json(&json!({
            "model": model.path.display().to_string(),
            "images": found,
        }))?,
        Format::Table => terminal::print(&table(&found))?,
    }
    Ok(())
}

fn table(found: &[ImagePrediction]) -> String {
    let percent = |ranked: &Ranked| format!("{:.1}%", ranked.probability * 100.0);
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
    columns(&rows, &[2])
}
