//! Why a report cannot be made.

use std::io;
use std::path::{Path, PathBuf};

use crate::analysis;
use crate::foreign;
use crate::store::TableError;

/// What ends the making of a report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Analysis(#[from] analysis::Error),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("cannot write {}: {source}", foreign::path(.path))]
    Write { path: PathBuf, source: io::Error },
}

impl Error {
    pub(super) fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Error::Write {
            path: path.to_owned(),
            source,
        }
    }
}
