//! What can be wrong with a weight file.

use std::path::PathBuf;

use crate::file_kind::FileKind;
use crate::foreign;

/// Why a weight file cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("cannot use the weight file {}: {source}", foreign::path(path))]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },

    /// The file is no file of weights, or contradicts itself.
    #[error("{}: {reason}", foreign::path(path))]
    Format { path: PathBuf, reason: String },

    /// The file is of a kind that is known, and not read.
    #[error("{}: a file of weights is needed (safetensors, PyTorch or Keras), and this is {}", foreign::path(path), found.name)]
    Foreign { path: PathBuf, found: FileKind },

    /// A tensor has a type that weights do not have.
    #[error(
        "{}: tensor {tensor} has type {dtype}, expected F32, F16, BF16 or F64",
        foreign::path(path)
    )]
    Type {
        path: PathBuf,
        /// As the file calls it.
        tensor: String,
        dtype: String,
    },

    /// A value is NaN or infinite.
    #[error(
        "{}: tensor {tensor} is {value} at index {index:?}; weights must be finite numbers",
        foreign::path(path)
    )]
    NotFinite {
        path: PathBuf,
        /// As the file calls it.
        tensor: String,
        /// The place in each dimension.
        index: Vec<usize>,
        value: f32,
    },

    /// The tensors are not the model's.
    #[error("{}: {misfit}", foreign::path(path))]
    Misfit { path: PathBuf, misfit: Misfit },
}

impl Error {
    /// What to do about it, where that is more than to name another file.
    pub fn help(&self) -> Option<&str> {
        match self {
            Error::Foreign { found, .. } => Some(found.for_weights),
            _ => None,
        }
    }
}

/// How a set of tensors differs from what a model needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A tensor that the model needs is not there.
    #[error("tensor {tensor} is missing, expected with shape {shape:?}{hint}")]
    Missing {
        /// As the file would call it, and as the model does.
        tensor: String,
        shape: Vec<usize>,
        hint: String,
    },

    /// A tensor has another shape than the model's.
    #[error("tensor {tensor} has shape {found:?}, expected {expected:?}{hint}")]
    Shape {
        /// As the file calls it, and as the model does.
        tensor: String,
        found: Vec<usize>,
        expected: Vec<usize>,
        hint: String,
    },

    /// The model has no place for a tensor of the file.
    #[error("tensor {tensor} is left over: the model has no such tensor{hint}")]
    LeftOver {
        /// As the file calls it.
        tensor: String,
        hint: String,
    },

    /// Two tensors differ only in what a wrapper such as DataParallel adds to names.
    #[error(
        "{one} and {other} are both {plain}, once without the prefix of a wrapper such as DataParallel"
    )]
    Twice {
        one: String,
        other: String,
        plain: String,
    },

    /// There are several networks, and nothing says which one is meant.
    #[error("the network is there several times, under {}; save the one that is meant alone", prefixes.join(", "))]
    Several { prefixes: Vec<String> },
}
