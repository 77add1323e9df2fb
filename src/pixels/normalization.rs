//! How a pixel becomes the network's input.

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::choice::{Choice, LARGEST, Opt, Range, Takes};
use crate::names::{Name, names};

/// Of a deviation that values are divided by.
const SMALLEST: f64 = 1e-12;

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

static SCHEMES: [Choice; NormalizationScheme::ALL.len()] = {
    let mut schemes = [Choice::plain(""); NormalizationScheme::ALL.len()];
    let mut at = 0;
    while at < schemes.len() {
        schemes[at] = choice(NormalizationScheme::ALL[at]);
        at += 1;
    }
    schemes
};

const fn choice(scheme: NormalizationScheme) -> Choice {
    Choice {
        name: scheme.as_str(),
        options: match scheme {
            NormalizationScheme::Custom => &[MEAN, STD],
            _ => &[],
        },
    }
}

impl NormalizationScheme {
    /// What every scheme can be, in the order of [`Self::ALL`].
    pub fn choices() -> &'static [Choice] {
        &SCHEMES
    }

    /// Its options.
    pub fn choice(self) -> &'static Choice {
        &SCHEMES[self as usize]
    }
}

pub const MEAN: Opt = Opt {
    name: "mean",
    about: "mean of each channel of x/255: one value, or one per channel in RGB order",
    takes: Takes::PerChannel {
        example: &[0.5, 0.5, 0.5],
        range: Range::Within(-LARGEST, LARGEST),
    },
};

pub const STD: Opt = Opt {
    name: "std",
    about: "standard deviation of each channel of x/255: one value, or one per channel in RGB order",
    takes: Takes::PerChannel {
        example: &[0.5, 0.5, 0.5],
        range: Range::Within(SMALLEST, LARGEST),
    },
};
