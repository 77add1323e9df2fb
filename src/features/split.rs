//! The parts of a dataset that features are kept of.

use std::fmt;

use crate::data::{Data, Part};

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Training,
    Validation,
    Test,
}

impl Split {
    /// All of them, in the order a run needs them.
    pub const ALL: [Split; 3] = [Split::Training, Split::Validation, Split::Test];

    /// Its images and labels.
    pub fn of(self, data: &Data) -> &Part {
        match self {
            Split::Training => &data.train,
            Split::Validation => &data.validation,
            Split::Test => &data.test,
        }
    }
}

/// `training images`
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Split::Training => "training images",
            Split::Validation => "validation images",
            Split::Test => "test images",
        })
    }
}
