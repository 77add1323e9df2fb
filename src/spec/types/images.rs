//! Where images come from, and what happens to them before the network.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::datasets::{DATASETS, Entry};
use crate::names::{Name, listed, names};
use crate::spec::values::Choice;

/// `[dataset]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Which dataset.
    pub name: DatasetName,
    /// Read from this file or folder instead of downloading into the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Only these classes, by name or index; labels are renumbered in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<Choice>>,
    /// The first N training images, before the validation split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_limit: Option<usize>,
    /// The first N test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_limit: Option<usize>,
    /// The part of the training images held out for validation, in [0, 1).
    #[serde(default = "default_validation_split")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub validation_split: f64,
    /// Which training images are held out.
    #[serde(default)]
    pub validation: Validation,
    /// The part of the images held out for the test, in [0, 1), where a dataset has no test part of its own; chosen as
    /// `validation` says, before the limits and the validation split, and the same for every seed.
    #[serde(default)]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub test_split: f64,
    /// What becomes of an image that does not decode.
    #[serde(default)]
    pub on_bad_image: OnBadImage,
}

fn default_validation_split() -> f64 {
    0.1
}

listed! {
    /// The datasets the runner can read.
    DatasetName(Entry), DATASETS.iter().copied(), |entry| entry.name, |entry| entry.about
}

names! {
    /// What becomes of an image that does not decode.
    #[derive(Default)]
    OnBadImage {
        /// The run fails and names it.
        #[default]
        Error = "error",
        /// It is left out, and counted in `skipped_images`; it still counts towards the limits.
        Skip = "skip",
    }
}

names! {
    /// Which training images are held out for validation.
    #[derive(Default)]
    Validation {
        /// The last part, before shuffling, as Keras's `validation_split`.
        #[default]
        Tail = "tail",
        /// A seeded random part.
        Random = "random",
        /// A seeded random part of every class.
        Stratified = "stratified",
    }
}
