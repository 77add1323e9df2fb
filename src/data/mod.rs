//! Where images come from, splits, normalization, augmentation and batches.
//!
//! [`load`] brings a dataset into memory as bytes; [`Batches`] makes normalized tensors of it.

mod augment;
mod batch;
mod cifar_binary;
mod contents;
mod decode;
mod digits;
mod error;
mod files;
mod fingerprint;
mod idx;
mod image_folder;
mod images;
mod jpeg;
mod normalize;
mod parquet;
mod photo;
mod pick;
mod resize;
mod split;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use batch::{Batches, order};
pub use contents::digest;
pub use error::{BadImage, Error};
pub use fingerprint::fingerprint;
pub use images::{Images, Part};
pub use normalize::{ChannelOrder, Normalizer};
pub use photo::{image_files, thumbnail};
pub use split::training_count;

use crate::fetch::Progress;
use crate::spec::{Dataset, DatasetName, Problem, classes_of};
use pick::{Pickers, Subset};

/// A dataset in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The classes' names, in the order of the labels.
    pub classes: Vec<String>,
    pub train: Part,
    pub validation: Part,
    /// Empty where an image folder has no `test/`.
    pub test: Part,
    /// How many images were to be in a part and are not, as they do not decode.
    pub skipped: usize,
}

/// Gives the folder of a dataset whose `path` is not set, downloading it if need be.
pub trait Source {
    /// A folder with the dataset's files in one of the layouts that [`load`] reads.
    ///
    /// # Errors
    /// What is missing, where it comes from, and where to put it.
    fn files(
        &self,
        dataset: DatasetName,
    ) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>>;
}

/// What a dataset's files hold of the images that are wanted.
struct Parts {
    train: Part,
    /// Where the files themselves say which images are for validation.
    validation: Option<Part>,
    test: Part,
    /// Images left out as they do not decode.
    skipped: usize,
}

/// The classes a spec chooses, known without reading images.
///
/// # Errors
/// A class that is not there; an image folder that cannot be read.
pub fn classes(spec: &Dataset) -> Result<Vec<String>, Error> {
    Ok(Subset::new(spec, &all_classes(spec)?)?.names)
}

fn all_classes(spec: &Dataset) -> Result<Vec<String>, Error> {
    match classes_of(spec.name) {
        Some(names) => Ok(names.iter().map(|name| name.to_string()).collect()),
        None => Ok(image_folder(spec)?.classes),
    }
}

fn image_folder(spec: &Dataset) -> Result<image_folder::Folders, Error> {
    let missing = || {
        Problem::new("dataset", "an image_folder needs a path")
            .help("set dataset.path to the folder that has a folder of images a class")
    };
    image_folder::Folders::find(spec.path.as_ref().ok_or_else(missing)?)
}

/// Reads the images a spec chooses: the classes' subset, of these the first up to the limits, then the split.
///
/// Images of an image folder are resized to squares of `input_size`; others stay as they are stored. An image that does
/// not decode is an error, or is left out as `on_bad_image` says; the limits count it.
///
/// # Errors
/// Files that are missing or not what they should be; classes that are not there; no image left for training.
pub fn load(
    spec: &Dataset,
    input_size: usize,
    seed: u64,
    source: &dyn Source,
    progress: &dyn Progress,
) -> Result<Data, Error> {
    let subset = Subset::new(spec, &all_classes(spec)?)?;
    let pickers = Pickers {
        train: subset.picker(spec.train_limit),
        validation: subset.picker(None),
        test: subset.picker(spec.test_limit),
    };
    let Parts {
        mut train,
        validation,
        test,
        skipped,
    } = read(spec, input_size, seed, pickers, source, progress)?;
    if train.is_empty() {
        return Err(Problem::new("dataset", "chooses no training image").into());
    }
    let images = train.len();
    let validation = validation
        .unwrap_or_else(|| split::split(&mut train, spec.validation, spec.validation_split, seed));
    if train.is_empty() {
        let message = format!("leaves none of {images} images for training");
        return Err(Problem::new("dataset.validation_split", message).into());
    }
    Ok(Data {
        classes: subset.names,
        train,
        validation,
        test,
        skipped,
    })
}

fn read(
    spec: &Dataset,
    input_size: usize,
    seed: u64,
    pickers: Pickers,
    source: &dyn Source,
    progress: &dyn Progress,
) -> Result<Parts, Error> {
    let dataset = spec.name;
    let path = || match &spec.path {
        Some(path) => Ok(path.clone()),
        None => source
            .files(dataset)
            .map_err(|source| Error::Source { dataset, source }),
    };
    match dataset {
        DatasetName::Digits => digits::read(pickers),
        DatasetName::Mnist | DatasetName::FashionMnist => idx::read(&path()?, dataset, pickers),
        DatasetName::ImageFolder => {
            let folders = image_folder(spec)?;
            folders.read(input_size, seed, pickers, spec.on_bad_image, progress)
        }
        DatasetName::Cifar10 | DatasetName::Cifar100 => {
            read_cifar(path()?, spec, pickers, progress)
        }
    }
}

/// Parquet files where there are any, else the official binary files, else their archive.
fn read_cifar(
    path: PathBuf,
    spec: &Dataset,
    pickers: Pickers,
    progress: &dyn Progress,
) -> Result<Parts, Error> {
    let dataset = spec.name;
    if path.is_dir()
        && let Some(files) = parquet::Files::find(&path, dataset)?
    {
        return files.read(dataset, pickers, spec.on_bad_image, progress);
    }
    let layout = cifar_binary::Layout::of(dataset);
    match layout.find(&path)? {
        Some(place) => layout.read(place, pickers),
        None => Err(Error::Missing {
            dataset,
            folder: path,
            looked_for: format!(
                "train*.parquet and test*.parquet in it and below; {}",
                layout.looked_for()
            ),
        }),
    }
}
