//! `runner export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::failure::Failure;
use super::log::with_progress;
use crate::export::keras::{self, Container};
use crate::export::{Error, onnx, pytorch};
use crate::inference::Model;
use crate::sink::progress::Verbosity;
use crate::terminal;
use crate::text::bytes;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  runner export results/photos/runs/all-0-1a2b3c4d --format onnx
  runner export RUN --format onnx --with-preprocessing -o photos.onnx
  runner export RUN --format pytorch -o photos
  runner export RUN --format h5 -o photos.h5

An ONNX model's metadata have its classes and how images are prepared, as JSON. In Python:
  session = onnxruntime.InferenceSession(\"model.onnx\")
  classes = json.loads(session.get_modelmeta().custom_metadata_map[\"classes\"])
Images are brought to the model's size before: `resize` in its metadata says how.")]
pub(super) struct ExportArgs {
    /// A run's folder, results/<name>/runs/<run>, its model.safetensors, or a spec with backbone.include_top
    run: PathBuf,
    /// What for
    #[arg(long, value_enum)]
    format: Format,
    /// Where to, a file or folder [default: model.onnx, model-pytorch, model.keras, model.h5]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// ONNX: take uint8 RGB images [batch, height, width, 3] and normalize them inside
    #[arg(long)]
    with_preprocessing: bool,
    /// ONNX: make batch normalization part of the layer before it
    #[arg(long)]
    fold_batch_norm: bool,
    /// Set a key of the model's spec, e.g. training.device=cpu; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One file for onnxruntime and others: float32, a batch of any size, probabilities
    Onnx,
    /// A folder that timm.create_model("local-dir:FOLDER", pretrained=True) opens: safetensors and config.json
    Pytorch,
    /// One file that keras.models.load_model opens in Keras 3: all but vision transformers
    Keras,
    /// The same in Keras's older form, HDF5
    H5,
}

impl Format {
    fn file(self) -> &'static Path {
        Path::new(match self {
            Format::Onnx => "model.onnx",
            Format::Pytorch => "model-pytorch",
            Format::Keras => "model.keras",
            Format::H5 => "model.h5",
        })
    }
}

pub(super) fn run(args: &ExportArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let of_onnx = [
        (args.with_preprocessing, "--with-preprocessing"),
        (args.fold_batch_norm, "--fold-batch-norm"),
    ];
    let mut given = of_onnx.iter().filter(|(given, _)| *given);
    if let Some((_, flag)) = given.next().filter(|_| args.format != Format::Onnx) {
        return Err(Failure::usage(format!("{flag} is for --format onnx")));
    }
    let output = args.output.as_deref().unwrap_or(args.format.file());
    let said = with_progress(verbosity, |progress| {
        let model = Model::open_for_images(&args.run, &args.overrides, progress)?;
        match args.format {
            Format::Onnx => to_onnx(&model, args, output),
            Format::Pytorch => to_pytorch(&model, output),
            Format::Keras => to_keras(&model, Container::Archive, output),
            Format::H5 => to_keras(&model, Container::Hdf5, output),
        }
    })?;
    if verbosity > Verbosity::Quiet {
        terminal::print(&format!("{}: {said}\n", output.display()))?;
    }
    Ok(())
}

fn to_pytorch(model: &Model, output: &Path) -> Result<String, Error> {
    pytorch::write(model, output)?;
    let shown = output.display();
    Ok(format!(
        "safetensors and timm's config.json; timm.create_model(\"local-dir:{shown}\", pretrained=True)"
    ))
}

fn to_keras(model: &Model, container: Container, output: &Path) -> Result<String, Error> {
    keras::write(model, container, output)?;
    let shown = output.display();
    Ok(format!("Keras 3; keras.models.load_model(\"{shown}\")"))
}

fn to_onnx(model: &Model, args: &ExportArgs, output: &Path) -> Result<String, Error> {
    let options = onnx::Options {
        with_preprocessing: args.with_preprocessing,
        fold_batch_norm: args.fold_batch_norm,
    };
    let written = onnx::write(model, options, output)?;
    Ok(format!(
        "ONNX, opset {}, {}; {} → {}",
        written.opset,
        bytes(written.bytes),
        written.input,
        written.output
    ))
}
