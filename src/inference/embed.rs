//! What a saved model makes of images before its classifier.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};

use super::embeddings::{Embeddings, Row};
use super::predict::input;
use super::{Error, Model};
use crate::data;
use crate::ops;
use crate::progress::Progress;

/// Images that are carried through the network at once.
const BATCH: usize = 16;

/// What was written, and the images that could not be.
#[derive(Debug, Default)]
pub struct Embedded {
    pub images: usize,
    /// Values of an image.
    pub width: usize,
    /// Images that cannot be read or decoded, and folders without any.
    pub bad: Vec<data::Error>,
}

/// Writes the features of images, those before the classifier, to a Parquet file: `path`, `label` (the image's own folder,
/// where that is one of the model's classes) and `features`. One that cannot be read does not end the others; where none
/// can, nothing is written.
///
/// # Errors
/// What the device reports; a file that cannot be written.
pub fn embed(
    model: &Model,
    files: Vec<Result<PathBuf, data::Error>>,
    output: &Path,
    progress: &dyn Progress,
) -> Result<Embedded, Error> {
    let node = model.network.blueprint.features();
    let mut found = Embedded::default();
    let mut table: Option<Embeddings> = None;
    progress.start("images", Some(files.len() as u64), false);
    let mut files = files.into_iter();
    let mut all = || -> Result<(), Error> {
        loop {
            let mut batch = Vec::new();
            for file in files.by_ref().take(BATCH) {
                progress.advance(1);
                match file
                    .map_err(Error::Data)
                    .and_then(|file| Ok((input(model, &file)?, file)))
                {
                    Ok(read) => batch.push(read),
                    Err(Error::Data(bad)) => found.bad.push(bad),
                    Err(error) => return Err(error),
                }
            }
            if batch.is_empty() && files.len() == 0 {
                return Ok(());
            }
            if batch.is_empty() {
                continue;
            }
            let (images, files): (Vec<Tensor>, Vec<PathBuf>) = batch.into_iter().unzip();
            let features = model.network.value(&Tensor::cat(&images, 0)?, node)?;
            let features = match features.rank() {
                4 => ops::global_average_pool(&features)?,
                _ => features,
            };
            let features = features.to_device(&Device::Cpu)?.flatten_from(1)?;
            let rows: Vec<Vec<f32>> = features.to_vec2()?;
            let table = match &mut table {
                Some(table) => table,
                None => {
                    found.width = rows.first().map_or(0, Vec::len);
                    table.insert(Embeddings::create(output, found.width)?)
                }
            };
            for (path, features) in files.iter().zip(rows) {
                table.add(Row {
                    path: path.display().to_string(),
                    label: label(model, path),
                    features,
                })?;
                found.images += 1;
            }
        }
    };
    let ended = all();
    progress.finish();
    ended?;
    if let Some(table) = table {
        table.finish()?;
    }
    Ok(found)
}

/// The class that an image's folder is named after.
fn label(model: &Model, path: &Path) -> Option<String> {
    let folder = path.parent()?.file_name()?.to_str()?;
    let place = |names: &Vec<String>| names.iter().position(|name| name == folder);
    let class = [&model.classes, &model.synsets]
        .into_iter()
        .find_map(place)?;
    model.classes.get(class).cloned()
}
