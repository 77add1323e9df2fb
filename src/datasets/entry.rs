//! What is known of a dataset: a row of the catalog.

use super::download::Download;
use crate::choice::Choice;

/// What a spec can name as its dataset.
#[derive(Debug)]
pub struct Entry {
    /// Its name in a spec, and the keys that it takes beside those of all datasets.
    pub choice: Choice,
    /// What it is, as a part of a sentence.
    pub about: &'static str,
    /// How its files are read.
    pub format: Format,
    /// What `dataset.path` is to it.
    pub path: PathUse,
    /// Which parts it has.
    pub parts: PartsOf,
    /// The classes' names, in the order of the labels; none where the files say them.
    pub classes: Option<&'static [&'static str]>,
    /// The names that its column of labels may have, the first that is there; for tables.
    pub label_columns: &'static [&'static str],
    /// The size of every image; none where they differ, and are brought to the size that the network takes as they are
    /// read.
    pub image: Option<ImageSize>,
    /// How many images there are, known before they are downloaded.
    pub published: Option<Published>,
    /// Where it can be had.
    pub download: Option<Download>,
}

/// How files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Built into the program.
    Digits,
    /// Four IDX files.
    Idx,
    /// Parquet, or CIFAR-10's binary files.
    Cifar10,
    /// Parquet, or CIFAR-100's binary files.
    Cifar100,
    /// A folder per class.
    ImageFolder,
    /// A table with a row per image.
    Table,
    /// Parquet files in a repository of the hub.
    Hub,
    /// Tar files in WebDataset's layout.
    WebDataset,
}

/// What `dataset.path` is to a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathUse {
    /// It has none.
    BuiltIn,
    /// Where its files are, instead of being downloaded.
    Optional,
    /// A folder that must be said: what it is.
    Folder(&'static str),
    /// It has none: a repository is named, whose files are downloaded before anything is known of them.
    Repository,
    /// A file, a folder with files or a pattern of their names, that must be said: what it is.
    Files(&'static str),
}

/// Which parts a dataset has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartsOf {
    /// A training and a test part, each in its published order.
    Published,
    /// Those that the user's own files have, a validation part among them or no test part. Their order says nothing but
    /// perhaps the class, so that they are put into a random one.
    Found,
}

/// Height, width (pixels) and channels of an image, a byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl ImageSize {
    /// Of a square one.
    pub const fn square(side: usize, channels: usize) -> Self {
        ImageSize {
            height: side,
            width: side,
            channels,
        }
    }

    /// How many bytes it takes.
    pub const fn bytes(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// How many images of each class the parts have.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    pub train: PerClass,
    pub test: PerClass,
}

/// A number per class.
#[derive(Clone, Copy, Debug)]
pub enum PerClass {
    Same(usize),
    /// In the order of the labels.
    Each(&'static [usize]),
}

impl PerClass {
    /// Of the class with this label.
    pub fn of(self, label: usize) -> usize {
        match self {
            PerClass::Same(count) => count,
            PerClass::Each(counts) => counts.get(label).copied().unwrap_or_default(),
        }
    }
}
