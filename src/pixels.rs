//! How an image becomes what a network takes: words that specs use, and the catalog of published weights.

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::names::{Name, names};

names! {
    /// How a pixel value x in 0..=255 becomes the network's input.
    #[derive(Default)]
    NormalizationScheme {
        /// x/255
        #[default]
        Unit = "unit",
        /// x/127.5 - 1
        Symmetric = "symmetric",
        /// (x/255 - mean)/std with ImageNet's RGB mean and standard deviation
        Imagenet = "imagenet",
        /// BGR order, ImageNet's mean subtracted, no scaling
        Caffe = "caffe",
        /// mean and standard deviation of the training part, per channel
        Standardize = "standardize",
        /// (x/255 - mean)/std with the spec's own numbers
        Custom = "custom",
        /// as the images were that the weights were trained on
        Pretrained = "pretrained",
    }
}

names! {
    /// What lies between pixels.
    #[derive(Default)]
    Interpolation {
        #[default]
        Bilinear = "bilinear",
        Bicubic = "bicubic",
    }
}
