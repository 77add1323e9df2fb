//! What a saved model says about images.

use std::path::{Path, PathBuf};

use candle_core::Tensor;
use serde::Serialize;

use super::evaluate::batches;
use super::{Error, Model};
use crate::data::{self, Part, Resizing, View};
use crate::graph::Mode;
use crate::progress::Progress;
use crate::train::{above, most_probable, probabilities};

/// What a model says about one image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImagePrediction {
    /// The image's file.
    pub image: String,
    /// The most probable classes, the most probable first.
    pub predictions: Vec<Ranked>,
    /// Of a model of several labels: the classes above its threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

/// A class with its probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    pub class: String,
    /// In [0, 1].
    pub probability: f32,
}

/// What a model says about images, and those that it could not be asked about.
#[derive(Debug, Default)]
pub struct Predictions {
    /// In the order of the files.
    pub images: Vec<ImagePrediction>,
    /// Images that cannot be read or decoded, and folders without any.
    pub bad: Vec<data::Error>,
}

/// The `top` most probable classes of each image; one that cannot be read does not end the others.
///
/// # Errors
/// What the device reports.
pub fn predict(
    model: &Model,
    files: Vec<Result<PathBuf, data::Error>>,
    top: usize,
    progress: &dyn Progress,
) -> Result<Predictions, Error> {
    let mut found = Predictions::default();
    progress.start("images", Some(files.len() as u64), false);
    let ended = files.into_iter().try_for_each(|file| {
        let prediction = file
            .map_err(Error::Data)
            .and_then(|file| one(model, &file, top));
        match prediction {
            Ok(prediction) => found.images.push(prediction),
            Err(Error::Data(bad)) => found.bad.push(bad),
            Err(error) => return Err(error),
        }
        progress.advance(1);
        Ok(())
    });
    progress.finish();
    ended.map(|()| found)
}

/// An image's file as the network takes it, `[1, height, width, 3]`.
///
/// # Errors
/// One that cannot be read or decoded.
pub fn input(model: &Model, file: &Path) -> Result<Tensor, Error> {
    prepared(model, Part::of_file(file, resizing(model))?)
}

/// As [`input`], of a file's bytes.
///
/// # Errors
/// Why they do not decode; what the device reports.
pub fn input_of(model: &Model, bytes: &[u8]) -> Result<Tensor, Error> {
    let part = Part::of_bytes(bytes, resizing(model)).map_err(candle_core::Error::Msg)?;
    prepared(model, part)
}

/// Images of many sizes were resized when they were read; others are when batches are made of them.
fn resizing(model: &Model) -> Option<&Resizing> {
    let is_of_many_sizes = model.spec.dataset.name.image.is_none();
    is_of_many_sizes.then_some(&model.resizing)
}

fn prepared(model: &Model, image: Part) -> Result<Tensor, Error> {
    Ok(batches(model, &View::from(image)).batch(&[0], 0)?.0)
}

fn one(model: &Model, file: &Path, top: usize) -> Result<ImagePrediction, Error> {
    let images = input(model, file)?;
    let logits = model.network.forward(&images, Mode::Evaluate)?;
    let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
    let probabilities = probabilities(&logits, model.network.blueprint.output);
    let name = |class: u32| {
        let name = model.classes.get(class as usize);
        name.cloned().unwrap_or_default()
    };
    let ranked = |(class, probability): (u32, f32)| Ranked {
        class: name(class),
        probability,
    };
    let labels = model.spec.dataset.multi_label.then(|| {
        let classes = above(&probabilities, model.spec.training.threshold);
        classes.into_iter().map(name).collect()
    });
    Ok(ImagePrediction {
        image: file.display().to_string(),
        predictions: most_probable(&probabilities, top)
            .into_iter()
            .map(ranked)
            .collect(),
        labels,
    })
}
