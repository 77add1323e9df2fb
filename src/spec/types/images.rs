//! Where images come from, and what happens to them before the network.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::datasets::{DATASETS, Entry};
use crate::names::{Name, listed, names};
pub use crate::pixels::{Interpolation, NormalizationScheme};
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

/// `[normalization]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Which formula.
    #[serde(default)]
    pub scheme: NormalizationScheme,
    /// Mean of each channel of x/255 (`custom` only): one value, or one per channel in RGB order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// Standard deviation of each channel of x/255 (`custom` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
}

/// `[resize]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// How an image of another size becomes a square of `backbone.input_size`.
    #[serde(default)]
    pub method: ResizeMethod,
    /// `crop`: what part of the resized image's shorter side the input is, in (0, 1]; default 0.875.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub crop: Option<f64>,
    /// What lies between pixels; antialiased where an image shrinks. Default bilinear; no option of `pretrained`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpolation: Option<Interpolation>,
}

names! {
    /// How an image becomes a square.
    #[derive(Default)]
    ResizeMethod {
        /// Its sides are brought to one length; its shape is lost.
        #[default]
        Squash = "squash",
        /// The shorter side is brought to `input_size / crop`, and the centre is taken.
        Crop = "crop",
        /// The longer side is brought to `input_size`; what is left is black.
        Pad = "pad",
        /// As the images were that the weights were tested on by those who published them.
        Pretrained = "pretrained",
    }
}

/// `[augmentation]`: applied to training images only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Mirror each image left to right with probability one half.
    #[serde(default)]
    pub horizontal_flip: bool,
    /// Pad by this many pixels of zero on every side, then crop the old size at a random place.
    #[serde(default)]
    pub random_crop_padding: usize,
}

impl Augmentation {
    /// Whether anything random is done to a training image.
    pub fn is_active(&self) -> bool {
        self.horizontal_flip || self.random_crop_padding > 0
    }
}
