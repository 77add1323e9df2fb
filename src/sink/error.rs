//! Why an experiment cannot be recorded.

use std::io;
use std::path::Path;

use super::list::Failure;
use crate::claim::Owner;
use crate::store::{self, TableError};

/// Why an experiment cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Sink(Failure),
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

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        Error::Store(error.into())
    }
}

impl Error {
    /// What happened to this file or folder.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let store = store::Error::io(path);
        move |source| Error::Store(store(source))
    }

    /// What the runs whose predictions could not be written come to; nothing where there are none.
    pub(super) fn lost(lost: Vec<(String, TableError)>) -> Option<Self> {
        let (runs, errors): (Vec<String>, Vec<TableError>) = lost.into_iter().unzip();
        let source = Box::new(errors.into_iter().next()?);
        Some(Error::Lost { runs, source })
    }
}
