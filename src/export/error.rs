//! Why a model cannot be exported.

use std::io;
use std::path::PathBuf;

use crate::text::bytes;
use crate::{foreign, inference, model};

/// What ends an export.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(Box<inference::Error>),
    #[error("computing failed: {0}")]
    Candle(#[from] candle_core::Error),
    #[error(transparent)]
    Weights(#[from] model::weights::Error),
    #[error("cannot write {}: {source}", foreign::path(path))]
    Write { path: PathBuf, source: io::Error },
    /// The format cannot hold it.
    #[error(
        "the model would have {} as ONNX, and files in Protocol Buffers end at 2 GiB; a smaller architecture fits",
        bytes(*.0)
    )]
    TooLarge(u64),
    /// A format that does not have what the network needs.
    #[error("{0}")]
    Inexpressible(String),
}

impl From<inference::Error> for Error {
    fn from(error: inference::Error) -> Self {
        Error::Model(Box::new(error))
    }
}

impl Error {
    /// Whether what was asked for is wrong, rather than what was found.
    pub fn is_usage(&self) -> bool {
        match self {
            Error::Model(error) => error.is_usage(),
            Error::Inexpressible(_) | Error::TooLarge(_) => true,
            Error::Candle(_) | Error::Weights(_) | Error::Write { .. } => false,
        }
    }
}
