//! Why an answer cannot be explained.

use std::path::PathBuf;

use crate::foreign::{self, one_line};
use crate::inference;

/// What ends an explanation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(Box<inference::Error>),
    #[error("nothing can be shown of what this network's answers rest on: {0}")]
    NoMethod(String),
    #[error("the model has no class \"{}\"; {}", one_line(.wanted), one_line(.known))]
    UnknownClass { wanted: String, known: String },
    #[error("attention roll-out shows the same for every class; leave --class out")]
    OfNoClass,
    #[error("cannot write {}: {why}", foreign::path(path))]
    Write { path: PathBuf, why: String },
    #[error("computing failed: {0}")]
    Candle(#[from] candle_core::Error),
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
            Error::NoMethod(_) | Error::UnknownClass { .. } | Error::OfNoClass => true,
            Error::Write { .. } | Error::Candle(_) => false,
        }
    }
}
