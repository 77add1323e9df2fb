//! Where images come from, splits, normalization, augmentation and batches.
//!
//! [`load`] brings a dataset into memory as bytes; [`Batches`] makes normalized tensors of it.

mod arrange;
mod augment;
mod batch;
mod cifar_binary;
mod contents;
mod decode;
mod digits;
mod error;
mod files;
mod fingerprint;
mod footprint;
mod idx;
mod image_folder;
mod images;
mod jpeg;
mod kind;
mod label_names;
mod layout;
mod loaded;
mod matching;
mod narrow;
mod nesting;
mod normalize;
mod parquet;
mod photo;
mod pick;
mod pillow;
mod published;
mod resize;
mod resizing;
mod shards;
mod split;
mod split_words;
mod survey;
#[cfg(test)]
mod tests;
mod unused;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use batch::{Batches, order};
pub use contents::digest;
pub use error::{BadImage, Error};
pub use fingerprint::fingerprint;
pub use footprint::Footprint;
pub use images::{Images, Part};
pub use loaded::Loaded;
pub use normalize::{ChannelOrder, Normalizer};
pub use photo::{image_files, thumbnail};
pub use resizing::{Fit, Resizing};
pub use survey::{Counts, Survey, survey};
pub use view::View;

use crate::progress::Progress;
use crate::spec::{Dataset, DatasetName, Problem, classes_of};
use loaded::Listed;
use pick::{Pickers, Subset};

/// The images of a spec, divided into training, validation and test images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The classes' names, in the order of the labels.
    pub classes: Vec<String>,
    pub train: View,
    pub validation: View,
    /// Empty where an image folder has no `test/` and `test_split` is 0.
    pub test: View,
    /// How many images were to be in a part and are not, as they do not decode.
    pub skipped: usize,
    /// What a person should know of how they are divided, each a line.
    pub notes: Vec<String>,
}

impl Data {
    /// How many images there are.
    pub fn counts(&self) -> Counts {
        let is_held_out = |view: &View| Arc::ptr_eq(view.part(), self.train.part());
        Counts {
            train: self.train.len(),
            validation: self.validation.len(),
            test: self.test.len(),
            validation_is_held_out: is_held_out(&self.validation),
            test_is_held_out: is_held_out(&self.test),
        }
    }

    /// Bytes of the images in memory.
    pub fn bytes(&self) -> u64 {
        let parts = [&self.train, &self.validation, &self.test].map(View::part);
        let is_new = |i: &usize| parts[..*i].iter().all(|part| !Arc::ptr_eq(part, parts[*i]));
        let bytes = |i: usize| parts[i].images.data.len() as u64;
        (0..parts.len()).filter(is_new).map(bytes).sum()
    }
}

/// What of a dataset is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// The test part alone.
    Test,
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
    /// Where not all of the training images are read, or not in the order of the list.
    listed: Option<Listed>,
    /// Where the files themselves say which images are for validation.
    validation: Option<Part>,
    /// Where the files themselves have a test part.
    test: Option<Part>,
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
            .help("set dataset.path to the folder that has a folder of images for each class")
    };
    let path = spec.path.as_ref().ok_or_else(missing)?;
    image_folder::Folders::find(path, spec.classes.as_deref())
}

/// Reads the images a spec chooses and divides them: [`read`] and [`Loaded::arrange`].
///
/// # Errors
/// As these.
pub fn load(
    spec: &Dataset,
    resizing: Resizing,
    seed: u64,
    source: &dyn Source,
    progress: &dyn Progress,
) -> Result<Data, Error> {
    read(spec, (resizing, seed), Wanted::All, source, progress)?.arrange(spec, seed)
}

/// Everything that decides what [`read`] gives for a spec; the seed does where a limit chooses among mixed images.
pub fn reading_key(spec: &Dataset, resizing: Resizing, seed: u64) -> String {
    let is_chosen_by_seed = spec.name == DatasetName::ImageFolder && spec.train_limit.is_some();
    let seed = is_chosen_by_seed.then_some(seed);
    // Which images are held out for validation does not matter, for the test only beside a limit.
    let test = (spec.train_limit.is_some() || spec.test_limit.is_some())
        .then_some((spec.test_split, spec.validation));
    let read = Dataset {
        validation_split: 0.0,
        validation: Default::default(),
        test_split: 0.0,
        ..spec.clone()
    };
    format!("{read:?} {resizing:?} {seed:?} {test:?}")
}

/// Reads the images a spec chooses: the classes' subset, of these the first up to the limits.
///
/// Images of an image folder are resized; others stay as they are stored. An image that does
/// not decode is an error, or is left out as `on_bad_image` says; the limits count it.
///
/// # Errors
/// Files that are missing or not what they should be; classes that are not there.
pub fn read(
    spec: &Dataset,
    (resizing, seed): (Resizing, u64),
    wanted: Wanted,
    source: &dyn Source,
    progress: &dyn Progress,
) -> Result<Loaded, Error> {
    let subset = Subset::new(spec, &all_classes(spec)?)?;
    let train_limit = match wanted {
        Wanted::All => spec.train_limit,
        Wanted::Test => Some(0),
    };
    let pickers = Pickers {
        train: subset.picker(train_limit),
        validation: subset.picker(None),
        test: subset.picker(spec.test_limit),
    };
    let dataset = spec.name;
    let path = || match &spec.path {
        Some(path) => Ok(path.clone()),
        None => source
            .files(dataset)
            .map_err(|source| Error::Source { dataset, source }),
    };
    let parts = match dataset {
        DatasetName::Digits => digits::read(pickers),
        DatasetName::Mnist | DatasetName::FashionMnist => idx::read(&path()?, dataset, pickers),
        DatasetName::ImageFolder => {
            let request = image_folder::Request {
                spec,
                subset: &subset,
                resizing,
                seed,
                wanted,
            };
            image_folder(spec)?.read(&request, progress)
        }
        DatasetName::Cifar10 | DatasetName::Cifar100 => {
            read_cifar(&path()?, spec, pickers, progress)
        }
    }?;
    let train = Arc::new(parts.train);
    Ok(Loaded {
        classes: subset.names,
        listed: parts.listed.unwrap_or_else(|| Listed::whole(&train)),
        train,
        validation: parts.validation.map(Arc::new),
        test: parts.test.map(Arc::new),
        skipped: parts.skipped,
    })
}

fn read_cifar(
    path: &Path,
    spec: &Dataset,
    pickers: Pickers,
    progress: &dyn Progress,
) -> Result<Parts, Error> {
    match find_cifar(path, spec.name)? {
        Cifar::Parquet(files) => files.read(spec.name, pickers, spec.on_bad_image, progress),
        Cifar::Binary(layout, place) => layout.read(place, pickers),
    }
}

/// CIFAR's files in one of their layouts.
enum Cifar {
    Parquet(parquet::Files),
    Binary(&'static cifar_binary::Layout, cifar_binary::Place),
}

impl Cifar {
    fn files(self) -> Vec<PathBuf> {
        match self {
            Cifar::Parquet(files) => files.all(),
            Cifar::Binary(layout, place) => layout.files(&place),
        }
    }
}

/// Parquet files where there are any, else the official binary files, else their archive.
fn find_cifar(path: &Path, dataset: DatasetName) -> Result<Cifar, Error> {
    if path.is_dir()
        && let Some(files) = parquet::Files::find(path, dataset)?
    {
        return Ok(Cifar::Parquet(files));
    }
    let layout = cifar_binary::Layout::of(dataset);
    match layout.find(path)? {
        Some(place) => Ok(Cifar::Binary(layout, place)),
        None => Err(Error::Missing {
            dataset,
            folder: path.to_owned(),
            looked_for: format!(
                "train*.parquet and test*.parquet in it and below; {}{}",
                layout.looked_for(),
                layout.pickled(path)
            ),
        }),
    }
}
