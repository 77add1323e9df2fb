//! What can go wrong with records.

use std::io;
use std::path::PathBuf;

use super::TableError;
use crate::report;

/// Why records cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Report(Box<report::Error>),
    #[error("{path} cannot be written: {source}; choose another folder with --results")]
    Io { path: PathBuf, source: io::Error },
}

impl From<report::Error> for Error {
    fn from(error: report::Error) -> Self {
        Error::Report(Box::new(error))
    }
}
