//! What a reader of a dataset's files gives, whatever the files look like.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::budget::Budget;
use super::decoded::{self, Folder, Place};
use super::error::Error;
use super::images::Part;
use super::loaded::Listed;
use super::pick::{Pickers, Subset};
use crate::label_sets::LabelSets;
use crate::progress::Progress;
use crate::resize::Resizing;
use crate::spec::Dataset;
use crate::split::List;

/// What of a dataset is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// The test part alone.
    Test,
}

/// What is to be read of a dataset.
pub(super) struct Request<'a> {
    pub spec: &'a Dataset,
    pub subset: &'a Subset,
    /// How images become the network's size, where they are of many.
    pub resizing: Resizing,
    pub seed: u64,
    pub wanted: Wanted,
    pub budget: &'a Budget,
    /// Where images are kept that take more memory than the budget has, in the cache at a place.
    pub folder: &'a dyn Fn(&Path) -> Result<Folder, Error>,
}

impl Request<'_> {
    /// Where so many resized images go.
    ///
    /// # Errors
    /// Files that are missing or cannot be read; no cache folder for images that are too many for memory.
    pub fn place(&self, images: usize) -> Result<Place, Error> {
        let bytes = decoded::bytes(images, &self.resizing);
        if bytes <= self.budget.memory {
            return Ok(Place::Memory);
        }
        let root = self.budget.cache.as_deref();
        let root = root.ok_or(Error::NoCache { images, bytes })?;
        Ok(Place::Disk((self.folder)(root)?))
    }

    /// Picks the images that are wanted, where their order in the files decides.
    pub fn pickers(&self) -> Pickers {
        let train_limit = match self.wanted {
            Wanted::All => self.spec.train_limit,
            Wanted::Test => Some(0),
        };
        Pickers::of(self.spec, self.subset, train_limit)
    }

    /// The positions in a mixed list of training images, with these labels and groups, of those that are to be decoded,
    /// ascending: the test part is among them where the files have none.
    pub fn wanted(&self, (labels, groups): (&[u32], &[u32]), has_test: bool) -> Vec<u32> {
        let list = List {
            labels,
            groups,
            classes: &[],
            sets: None,
            is_mixed: true,
        };
        let (train, test) = list.before_validation(self.spec, self.seed);
        let mut wanted = match self.wanted {
            Wanted::All => train,
            Wanted::Test => Vec::new(),
        };
        if !has_test {
            wanted.extend(test);
        }
        wanted.sort_unstable();
        wanted
    }
}

/// What a dataset's files hold of the images that are wanted.
pub(super) struct Parts {
    pub train: Part,
    /// Where not all of the training images are read, or not in the order of the list.
    pub listed: Option<Listed>,
    /// Where the files themselves say which images are for validation.
    pub validation: Option<Part>,
    /// Where the files themselves have a test part.
    pub test: Option<Part>,
    /// Images left out as they do not decode.
    pub skipped: usize,
}

/// Labels in the order of the files, of the chosen classes; limited where the files' order decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    pub train: Vec<u32>,
    /// The group of each training image, where the files say any.
    pub groups: Vec<u32>,
    /// Where the files themselves say which images are for validation.
    pub validation: Option<Vec<u32>>,
    /// Where the files themselves have a test part.
    pub test: Option<Vec<u32>>,
    pub is_mixed: bool,
    /// The classes of each label, where images have several.
    pub sets: Option<Arc<LabelSets>>,
}

impl Labels {
    /// How many images there are.
    pub fn count(&self) -> usize {
        let held_out = [&self.validation, &self.test].into_iter().flatten();
        self.train.len() + held_out.map(Vec::len).sum::<usize>()
    }
}

/// What a look at the files shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// None where they cannot be read quickly: the run will tell.
    pub labels: Option<Labels>,
    /// What a person should know before a run, each a line.
    pub notes: Vec<String>,
    /// The most bytes that are needed to decode an image.
    pub decoding: u64,
}

/// A dataset's files, found.
pub(super) trait Reader {
    /// The classes, in the order of the labels, of a dataset whose files say them.
    fn classes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Looks at what is there, without decoding an image.
    ///
    /// # Errors
    /// Files that no run could use.
    fn look(&self, spec: &Dataset, subset: &Subset) -> Result<Seen, Error>;

    /// Reads the images that are wanted.
    ///
    /// # Errors
    /// Files that are missing or not what they should be.
    fn read(&self, request: &Request<'_>, progress: &dyn Progress) -> Result<Parts, Error>;

    /// Every file that is read, with the name that tells it from another one of the dataset.
    ///
    /// # Errors
    /// Files that are missing or cannot be listed.
    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error>;
}
