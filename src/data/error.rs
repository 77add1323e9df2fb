//! What can go wrong between a dataset's files and the images in memory.

use std::io;
use std::path::{Path, PathBuf};

use crate::foreign::{self, one_line};
use crate::spec::{DatasetName, Problem};

/// Why a dataset cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec asks for what the data does not have; the problem's key leads to the place.
    #[error(transparent)]
    Spec(#[from] Problem),
    /// The [`super::Source`] could not give the dataset's folder.
    #[error("the files of {dataset} cannot be had: {source}")]
    Source {
        dataset: DatasetName,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The dataset's files are not where they were looked for.
    #[error("{}: {dataset} is not there; looked for {looked_for}", foreign::path(.folder))]
    Missing {
        dataset: DatasetName,
        folder: PathBuf,
        looked_for: String,
    },
    /// A file or folder cannot be read.
    #[error("{}: {source}", foreign::path(.path))]
    Io { path: PathBuf, source: io::Error },
    /// A file is not what it should be: which record, what was expected.
    #[error("{}: {}", foreign::path(.path), one_line(.message))]
    File { path: PathBuf, message: String },
    /// An image does not decode.
    #[error("{0} (dataset.on_bad_image = \"skip\" leaves such images out)")]
    Image(BadImage),
    /// Leaving out what does not decode leaves nothing of a class.
    #[error("none of a class's {images} images decodes; the first: {first}")]
    EmptyClass { images: usize, first: BadImage },
    /// The chosen images do not fit into memory.
    #[error(
        "{images} images need {} MiB of memory, more than can be had; \
         lower dataset.train_limit or backbone.input_size", .bytes >> 20
    )]
    Memory { images: usize, bytes: usize },
}

/// An image that does not decode: where it is, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}{reason}", foreign::path(.path), .row.map(|row| format!("row {row}: ")).unwrap_or_default())]
pub struct BadImage {
    /// The image's own file, or the table it is in.
    pub path: PathBuf,
    /// In a table, from 0.
    pub row: Option<usize>,
    pub reason: String,
}

impl Error {
    /// The problem at its key; of what is wrong with files, at `key`.
    pub fn into_problem(self, key: &str) -> Problem {
        match self {
            Error::Spec(problem) => problem,
            other => Problem::new(key, other.to_string()),
        }
    }

    /// A file whose content is wrong.
    pub(super) fn file(path: &Path, message: impl ToString) -> Self {
        Error::File {
            path: path.to_owned(),
            message: message.to_string(),
        }
    }

    /// For `map_err` on what was done with `path`.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Error::Io {
            path: path.to_owned(),
            source,
        }
    }
}
