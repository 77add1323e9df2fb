//! What can go wrong between a dataset's files and the images in memory.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use crate::foreign::{self, one_line};
use crate::spec::{DatasetName, Problem};
use crate::text::about_bytes;

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
    /// Decoded images cannot be kept in the cache folder.
    #[error(
        "{}: the decoded images cannot be kept: {source}; raise dataset.memory, or set RUNNER_CACHE to a folder with room",
        foreign::path(.folder)
    )]
    Keeping { folder: PathBuf, source: io::Error },
    /// Decoded images that are not what was kept.
    #[error("{0}")]
    Changed(String),
    /// Decoded images take more memory than there is, and there is no cache folder.
    #[error(
        "{images} decoded images take {}, more than may be kept in memory, and there is no cache folder; set RUNNER_CACHE \
         to one, or raise dataset.memory", about_bytes(*.bytes)
    )]
    NoCache { images: usize, bytes: u64 },
    /// The chosen images do not fit into memory.
    #[error(
        "{images} images need {} MiB of memory, more than can be had; \
         lower dataset.train_limit or backbone.input_size", .bytes >> 20
    )]
    Memory { images: usize, bytes: usize },
}

/// An image that does not decode: where it is, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {}{reason}", foreign::path(.path), .row.map(|row| format!("row {row}: ")).unwrap_or_default())]
pub struct BadImage {
    /// The image's own file, or the table it is in.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// In a table, from 0.
    pub row: Option<usize>,
    pub reason: String,
}

/// A path as text, as far as it is text.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
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
