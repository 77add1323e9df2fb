//! The parts of a dataset that features are kept of.

use std::fmt;

use crate::data::{Data, Part, training_count};
use crate::spec::{DatasetName, Spec};

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
    pub fn of(self, data: &Data) -> &Part {
        match self {
            Split::Training => &data.train,
            Split::Validation => &data.validation,
            Split::Test => &data.test,
        }
    }

    /// How many images it will have at most, known without reading any: those of all classes, up to the
    /// spec's limits; unknown for a folder.
    pub fn planned(self, spec: &Spec) -> Option<usize> {
        let (train, test) = match spec.dataset.name {
            DatasetName::Cifar10 | DatasetName::Cifar100 => (50_000, 10_000),
            DatasetName::Mnist | DatasetName::FashionMnist => (60_000, 10_000),
            DatasetName::Digits => (1_437, 360),
            DatasetName::ImageFolder => return None,
        };
        let limited = |all: usize, limit: Option<usize>| limit.map_or(all, |limit| limit.min(all));
        let train = limited(train, spec.dataset.train_limit);
        let kept = training_count(train, spec.dataset.validation_split);
        Some(match self {
            Split::Training => kept,
            Split::Validation => train - kept,
            Split::Test => limited(test, spec.dataset.test_limit),
        })
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
