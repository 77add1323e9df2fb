//! What can be wrong with a table.

use std::io;
use std::path::{Path, PathBuf};

use super::format::FORMAT;
use crate::foreign;

/// Why a table cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("cannot read {path}: {source}", path = foreign::path(path))]
    Read { path: PathBuf, source: io::Error },
    /// What the runner has written is not whole any more.
    #[error(
        "{path} is damaged, or not a table at all: {why}; move it away, or choose another results folder",
        path = foreign::path(path)
    )]
    Damaged { path: PathBuf, why: String },
    /// A table of somebody else.
    #[error(
        "{path} is not a table of this runner: {why}; move it away, or choose another results folder",
        path = foreign::path(path)
    )]
    Foreign { path: PathBuf, why: String },
    #[error(
        "{path} was made by another version of the runner (format {found}, this one's is {FORMAT}); use that \
         version, move the folder away, or choose another one with --results",
        path = foreign::path(path)
    )]
    Format { path: PathBuf, found: String },
    #[error("cannot write {path}: {source}", path = foreign::path(path))]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot make {path}: {why}", path = foreign::path(path))]
    Encode { path: PathBuf, why: String },
}

impl TableError {
    /// A file or folder that cannot be read.
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| TableError::Read { path, source }
    }

    /// What is wrong with a damaged file; none where something else is the matter.
    pub(crate) fn damage(&self) -> Option<&str> {
        match self {
            TableError::Damaged { why, .. } => Some(why),
            _ => None,
        }
    }
}
