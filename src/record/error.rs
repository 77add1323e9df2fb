//! What can go wrong with records.

use std::io;
use std::path::{Path, PathBuf};

use super::TableError;
use crate::claim::Owner;

/// Why records cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Page(Box<dyn std::error::Error + Send + Sync>),
    #[error("{path} cannot be written: {source}; choose another folder with --results")]
    Io { path: PathBuf, source: io::Error },
    #[error("{run} is being done: {owner}; stop that process first, or start without --fresh")]
    Busy { run: String, owner: Owner },
    #[error(
        "{source}; without predictions are {runs}, which finished; --fresh does the experiment's runs again",
        runs = runs.join(", ")
    )]
    Lost {
        runs: Vec<String>,
        /// Why the first run's could not be written.
        source: Box<TableError>,
    },
}

impl Error {
    /// What happened to this file or folder.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    }

    /// What the runs whose predictions could not be written come to; nothing where there are none.
    pub(super) fn lost(lost: Vec<(String, TableError)>) -> Option<Self> {
        let (runs, errors): (Vec<String>, Vec<TableError>) = lost.into_iter().unzip();
        let source = Box::new(errors.into_iter().next()?);
        Some(Error::Lost { runs, source })
    }
}
