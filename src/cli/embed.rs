//! `runner embed`.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::log::with_progress;
use crate::data::{self, image_files};
use crate::inference::{Error, Model, embed};
use crate::sink::progress::Verbosity;
use crate::spec::OnBadImage;
use crate::terminal;
use crate::text::counted;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner embed results/photos/runs/all-0-1a2b3c4d photos/ -o photos.parquet
  runner embed classify.toml holiday.jpg more/ -o photos.parquet

The table has a row an image: path, label (the folder that the image lies in, where the model has
such a class) and features, a list of float32 of one length. With polars and numpy:
  pl.read_parquet(\"photos.parquet\")[\"features\"].to_numpy()")]
pub(super) struct EmbedArgs {
    /// A run's folder, results/<name>/runs/<run>, its model.safetensors, or a spec with backbone.include_top
    run: PathBuf,
    /// Image files, or folders of them: JPEG, PNG, WebP, GIF, BMP, TIFF
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The table to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Embed with something else: training.device=cpu, dataset.on_bad_image=skip …; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

pub(super) fn run(args: &EmbedArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let files = image_files(&args.images);
    let all = files.len();
    let (found, leaves_out) = with_progress(verbosity, |progress| {
        let model = Model::open_for_images(&args.run, &args.overrides, progress)?;
        let leaves_out = model.spec.dataset.on_bad_image == OnBadImage::Skip;
        let found = embed(&model, files, &args.output, progress)?;
        Ok::<_, Error>((found, leaves_out))
    })?;
    // What is only left out is no failure.
    let is_left_out = |bad: &data::Error| leaves_out && matches!(bad, data::Error::Image(_));
    let mut failed = 0;
    for bad in &found.bad {
        if !is_left_out(bad) {
            failed += 1;
            terminal::say(&format!("error: {bad}"));
        } else if verbosity > Verbosity::Quiet {
            terminal::say(&format!("warning: {bad} (left out)"));
        }
    }
    if found.images == 0 {
        return Err(Failure::other(format!(
            "none of {} can be read; nothing was written",
            counted(all, "image")
        )));
    }
    if verbosity > Verbosity::Quiet {
        let (output, images) = (args.output.display(), counted(found.images, "image"));
        terminal::print(&format!(
            "{output}: {images}, {} features each\n",
            found.width
        ))?;
    }
    match failed {
        0 => Ok(()),
        n => Err(Failure::other(format!(
            "{} could not be read; the others were written",
            counted(n, "image")
        ))),
    }
}
