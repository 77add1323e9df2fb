//! Images with what a model's answers rest on.

use std::path::{Path, PathBuf};

use candle_core::Tensor;
use serde::Serialize;

use super::error::Error;
use super::heat::Heat;
use super::list::method;
use super::method::Method;
use super::names::Names;
use super::picture;
use crate::atomic::write_atomically;
use crate::data;
use crate::graph::Mode;
use crate::inference::{self, Model};
use crate::pixels::Sides;
use crate::progress::Progress;
use crate::spec;
use crate::train::{most_probable, probabilities};

/// Smaller pictures are hard to see.
const SMALLEST: usize = 224;

/// A model with the method that fits its network.
pub struct Explainer<'a> {
    model: &'a Model,
    method: Box<dyn Method>,
}

/// What one class of one image rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub class: usize,
    /// In [0, 1].
    pub probability: f32,
    pub heat: Heat,
}

/// A picture that was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The image's file.
    pub image: String,
    /// The class whose probability is told: the wanted one, else the most probable.
    pub class: String,
    /// In [0, 1].
    pub probability: f32,
    /// The picture's file.
    pub picture: String,
    pub heat: Heat,
}

/// What was written, and the images that could not be.
#[derive(Debug)]
pub struct Explained {
    /// `Grad-CAM`
    pub method: &'static str,
    /// Where in the network it looked: `layer4 (7×7)`.
    pub place: String,
    /// In the order of the files.
    pub images: Vec<Shown>,
    /// Images that cannot be read or decoded, and folders without any.
    pub bad: Vec<data::Error>,
}

impl<'a> Explainer<'a> {
    /// # Errors
    /// A network that no method fits.
    pub fn new(model: &'a Model) -> Result<Self, Error> {
        let graph = &model.network.blueprint.graph;
        Ok(Explainer {
            model,
            method: method(graph).map_err(Error::NoMethod)?,
        })
    }

    /// What `class` rests on, else the most probable one, of an image `[1, height, width, 3]` as the network takes it.
    ///
    /// # Errors
    /// What the device reports.
    pub fn explanation(&self, image: &Tensor, class: Option<usize>) -> Result<Explanation, Error> {
        let network = &self.model.network;
        let logits = network.forward(image, Mode::Evaluate)?;
        let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        let probabilities = probabilities(&logits, network.blueprint.output);
        let predicted = most_probable(&probabilities, 1);
        let predicted = predicted.first().map_or(0, |(class, _)| *class as usize);
        let class = class.unwrap_or(predicted);
        Ok(Explanation {
            class,
            probability: probabilities.get(class).copied().unwrap_or(0.0),
            heat: self.method.heat(network, image, class)?,
        })
    }

    /// Heat over an image `[1, height, width, 3]`, as a PNG file of at least `smallest` pixels a side.
    ///
    /// # Errors
    /// What cannot be encoded.
    pub fn picture(&self, image: &Tensor, heat: &Heat, smallest: usize) -> Result<Vec<u8>, Error> {
        let values: Vec<f32> = image.flatten_all()?.to_vec1()?;
        let pixels = self.model.normalizer.pixels(&values);
        let (_, height, width, _) = image.dims4()?;
        picture::png(&pixels, Sides { height, width }, smallest, heat)
            .map_err(|e| candle_core::Error::wrap(e).into())
    }

    /// The number of a class by its name.
    fn class(&self, wanted: &str) -> Result<usize, Error> {
        const SHOWN: usize = 10;
        if !self.method.is_of_class() {
            return Err(Error::OfNoClass);
        }
        let names = &self.model.classes;
        let known = names.iter().position(|name| name == wanted);
        known.ok_or_else(|| {
            let known = match spec::nearest(wanted, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => {
                    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
                    let more = if names.len() > SHOWN { ", …" } else { "" };
                    format!("its classes are {}{more}", shown.join(", "))
                }
            };
            let wanted = wanted.to_owned();
            Error::UnknownClass { wanted, known }
        })
    }
}

/// Writes a picture of each image to `folder`: what the class named `class`, else the most probable one, rests on. An
/// image that cannot be read does not end the others.
///
/// # Errors
/// A network that no method fits, a class that the model does not have; what the device reports; a folder that cannot be
/// written.
pub fn explain(
    model: &Model,
    files: Vec<Result<PathBuf, data::Error>>,
    class: Option<&str>,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Explained, Error> {
    let explainer = Explainer::new(model)?;
    let class = class.map(|name| explainer.class(name)).transpose()?;
    std::fs::create_dir_all(folder).map_err(unwritten(folder))?;
    let mut found = Explained {
        method: explainer.method.name(),
        place: explainer.method.place().to_owned(),
        images: Vec::new(),
        bad: Vec::new(),
    };
    let mut names = Names::default();
    progress.start("images", Some(files.len() as u64), false);
    let ended = files.into_iter().try_for_each(|file| {
        progress.advance(1);
        let read = file.map_err(inference::Error::Data);
        match read.and_then(|file| Ok((inference::input(model, &file)?, file))) {
            Ok((input, file)) => {
                let shown = explainer.shown(&input, class, (&file, folder), &mut names)?;
                found.images.push(shown);
                Ok(())
            }
            Err(inference::Error::Data(bad)) => {
                found.bad.push(bad);
                Ok(())
            }
            Err(error) => Err(Error::from(error)),
        }
    });
    progress.finish();
    ended.map(|()| found)
}

impl Explainer<'_> {
    /// Writes one picture.
    fn shown(
        &self,
        input: &Tensor,
        class: Option<usize>,
        (file, folder): (&Path, &Path),
        names: &mut Names,
    ) -> Result<Shown, Error> {
        let Explanation {
            class,
            probability,
            heat,
        } = self.explanation(input, class)?;
        let class = self.model.classes.get(class).cloned().unwrap_or_default();
        let path = folder.join(names.next(file, &class, probability));
        let picture = self.picture(input, &heat, SMALLEST)?;
        write_atomically(&path, &picture).map_err(unwritten(&path))?;
        Ok(Shown {
            image: file.display().to_string(),
            class,
            probability,
            picture: path.display().to_string(),
            heat,
        })
    }
}

fn unwritten(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Write {
        path: path.clone(),
        why: error.to_string(),
    }
}
