//! The parts of a dataset that features are kept of.

use std::fmt;

use crate::data::{Data, View};

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

    /// The word in tables and titles.
    pub fn as_str(self) -> &'static str {
        match self {
            Split::Training => "training",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }

    /// Its images and labels.
    pub fn of(self, data: &Data) -> &View {
        match self {
            Split::Training => &data.train,
            Split::Validation => &data.validation,
            Split::Test => &data.test,
        }
    }
}

impl Split {
    /// `training`
    pub(super) fn adjective(self) -> &'static str {
        match self {
            Split::Training => "training",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }
}

/// `training images`
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} images", self.adjective())
    }
}
