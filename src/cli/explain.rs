//! `runner explain`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::format::{Format, print_json, table};
use super::log::with_progress;
use crate::data::{self, image_files};
use crate::explain::{Error, Explained, explain};
use crate::inference::Model;
use crate::sink::progress::Verbosity;
use crate::terminal;
use crate::text::counted;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner explain results/photos/runs/all-0-1a2b3c4d holiday.jpg more/ -o why
  runner explain results/photos/runs/all-0-1a2b3c4d holiday.jpg --class dog -o why-not-dog

Each picture is the image as the network saw it, with what spoke for the class glowing; its name
has the class and its probability in percent: why/holiday-cat-97.3.png. Convolutional networks are
shown by Grad-CAM at the last map of features before it is pooled, transformers by attention
roll-out: what the class token has of each patch, which is the same for every class. Computed on
the CPU.")]
pub(super) struct ExplainArgs {
    /// A run's folder, results/<name>/runs/<run>, its model.safetensors, or a spec with backbone.include_top
    run: PathBuf,
    /// Image files, or folders of them: JPEG, PNG, WebP, GIF, BMP, TIFF
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The folder to write pictures to; made where it is not there
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Show what speaks for this class, whether or not it is predicted [default: the most probable]
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is wrong with an image; none is left out here, so that how to do that is no advice.
fn text(bad: &data::Error) -> String {
    match bad {
        data::Error::Image(bad) => bad.to_string(),
        other => other.to_string(),
    }
}

pub(super) fn run(args: &ExplainArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let files = image_files(&args.images);
    let all = files.len();
    let found = with_progress(verbosity, |progress| {
        let model = Model::open_on_cpu(&args.run, progress)?;
        explain(&model, files, args.class.as_deref(), &args.output, progress)
    })?;
    for bad in &found.bad {
        terminal::say(&format!("error: {}", text(bad)));
    }
    match args.format {
        Format::Json => print_json(&json!({
            "method": found.method,
            "place": found.place,
            "images": found.images,
            "unreadable": found.bad.iter().map(text).collect::<Vec<_>>(),
        }))?,
        Format::Table if found.images.is_empty() => {}
        Format::Table => terminal::print(&as_table(&found))?,
    }
    let (bad, images) = (found.bad.len(), counted(all, "image"));
    match (found.images.is_empty(), bad) {
        (false, 0) => Ok(()),
        (true, _) => Err(Failure::other(format!(
            "none of {images} can be read; nothing was written"
        ))),
        (false, _) => Err(Failure::other(format!(
            "{bad} of {images} could not be read; the others were written"
        ))),
    }
}

fn as_table(found: &Explained) -> String {
    let mut rows = vec![["image", "class", "", "picture"].map(String::from).to_vec()];
    for shown in &found.images {
        let probability = format!("{:.1}%", shown.probability * 100.0);
        rows.push(vec![
            shown.image.clone(),
            shown.class.clone(),
            probability,
            shown.picture.clone(),
        ]);
    }
    format!("{}{}: {}\n", table(&rows, &[2]), found.method, found.place)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Model(error) => (*error).into(),
            error if error.is_usage() => Failure::usage(error),
            error => Failure::other(error),
        }
    }
}
