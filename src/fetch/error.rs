//! What can go wrong when a file is fetched.

use std::path::PathBuf;

use crate::foreign;
use crate::spec::{Arch, DatasetName};

/// Why a file is not in the cache.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The download failed, or what came is not what was expected.
    #[error(
        "{file} is missing and could not be downloaded\n  \
         from:   {url}\n  \
         reason: {reason}\n  \
         Put the file at {} by hand, or set {key} to a local copy.",
        foreign::path(path)
    )]
    Download {
        /// The file's name.
        file: String,
        /// Where it was looked for.
        url: String,
        /// What happened.
        reason: String,
        /// Where the cache looks for it.
        path: PathBuf,
        /// The spec's key that names a local copy instead.
        key: &'static str,
    },

    /// The cache folder cannot be read or written.
    #[error(
        "cannot use {} in the cache: {source} (RUNNER_CACHE names another folder)",
        foreign::path(path)
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },

    /// Neither `RUNNER_CACHE` nor a home folder is there.
    #[error(
        "there is no folder for downloads: neither RUNNER_CACHE nor HOME is set, and the user database names no home \
         folder; set RUNNER_CACHE to a folder"
    )]
    NoFolder,

    /// `RUNNER_PATIENCE` is wrong.
    #[error(
        "RUNNER_PATIENCE is \"{0}\"; it must be a number greater than 0, by which the waiting times for servers are \
         multiplied, e.g. 2"
    )]
    Timeouts(String),

    /// The dataset is not one that is downloaded.
    #[error("the dataset {0} is not downloaded; set dataset.path to a local copy")]
    NotDownloaded(DatasetName),

    /// No repository of timm's with weights of an architecture that can be built.
    #[error("{0} is no repository of timm's that is known here")]
    UnknownRepository(String),

    /// What came cannot be used.
    #[error("{}: {reason}", foreign::path(path))]
    Converting { path: PathBuf, reason: String },

    /// Keras has no weights of the architecture.
    #[error(
        "of keras.applications' weights, those of vgg16 and vgg19 are known here, and not of {0}"
    )]
    NoKerasWeights(Arch),

    /// Nobody dependable publishes the weights as safetensors.
    #[error("there are no ImageNet weights of {0} on the hub as safetensors")]
    NoWeights(Arch),
}
