//! How much memory decoded images may take.

use std::path::PathBuf;

/// The memory that a dataset's decoded images may take, and where they go when they take more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// In bytes.
    pub memory: u64,
    /// The cache folder; none where there is none.
    pub cache: Option<PathBuf>,
}

impl Budget {
    /// As much as is wanted.
    pub fn unlimited() -> Self {
        Budget {
            memory: u64::MAX,
            cache: None,
        }
    }
}
