//! What can be wrong with a weight file.

use std::path::PathBuf;

/// Why a weight file cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("cannot use the weight file {}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },

    /// The file is not a safetensors file, or contradicts itself.
    #[error("{}: {reason}", path.display())]
    Format { path: PathBuf, reason: String },

    /// A tensor has a type that weights do not have.
    #[error("{}: tensor {tensor} has type {dtype}, expected F32, F16, BF16 or F64", path.display())]
    Type {
        path: PathBuf,
        /// As the file calls it.
        tensor: String,
        dtype: String,
    },

    /// A value is NaN or infinite.
    #[error(
        "{}: tensor {tensor} is {value} at index {index:?}; weights must be finite numbers",
        path.display()
    )]
    NotFinite {
        path: PathBuf,
        /// As the file calls it.
        tensor: String,
        /// The place in each dimension.
        index: Vec<usize>,
        value: f32,
    },

    /// A tensor that the model needs is not there.
    #[error("{}: tensor {tensor} is missing, expected with shape {shape:?}{hint}", path.display())]
    Missing {
        path: PathBuf,
        /// As the file would call it, and as the model does.
        tensor: String,
        shape: Vec<usize>,
        hint: String,
    },

    /// A tensor has another shape than the model's.
    #[error(
        "{}: tensor {tensor} has shape {found:?}, expected {expected:?}{hint}",
        path.display()
    )]
    Shape {
        path: PathBuf,
        /// As the file calls it, and as the model does.
        tensor: String,
        found: Vec<usize>,
        expected: Vec<usize>,
        hint: String,
    },

    /// The model has no place for a tensor of the file.
    #[error("{}: tensor {tensor} is left over: the model has no such tensor{hint}", path.display())]
    LeftOver {
        path: PathBuf,
        /// As the file calls it.
        tensor: String,
        hint: String,
    },
}
