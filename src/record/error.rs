//! What can go wrong with records.

use std::io;
use std::path::PathBuf;

use super::TableError;
use super::charts::ChartError;

/// Why records cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Chart(#[from] ChartError),
    #[error("{path} cannot be written: {source}; choose another folder with --results")]
    Io { path: PathBuf, source: io::Error },
}
