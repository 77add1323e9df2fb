//! What can go wrong with the results folder.

use std::io;
use std::path::{Path, PathBuf};

use super::tables::TableError;

/// Why results cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("{path} cannot be written: {source}; choose another folder with --results")]
    Io { path: PathBuf, source: io::Error },
}

impl Error {
    /// What happened to this file or folder.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    }
}
