//! How an image becomes a square.

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::choice::{Choice, Opt, Range, Takes, Unset};
use crate::names::{Name, names};

/// Of the part of an image that is seen.
const SMALLEST_CROP: f64 = 0.05;

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

static METHODS: [Choice; ResizeMethod::ALL.len()] = {
    let mut methods = [Choice::plain(""); ResizeMethod::ALL.len()];
    let mut at = 0;
    while at < methods.len() {
        methods[at] = choice(ResizeMethod::ALL[at]);
        at += 1;
    }
    methods
};

const fn choice(method: ResizeMethod) -> Choice {
    Choice {
        name: method.as_str(),
        options: match method {
            ResizeMethod::Squash | ResizeMethod::Pad => &[INTERPOLATION],
            ResizeMethod::Crop => &[CROP, INTERPOLATION],
            ResizeMethod::Pretrained => &[],
        },
    }
}

impl ResizeMethod {
    /// What every method can be, in the order of [`Self::ALL`].
    pub fn choices() -> &'static [Choice] {
        &METHODS
    }

    /// Its options.
    pub fn choice(self) -> &'static Choice {
        &METHODS[self as usize]
    }
}

/// 0.875 as torchvision's and most of timm's weights were tested.
pub const CROP: Opt = Opt {
    name: "crop",
    about: "what part of the resized image's shorter side the input is, in (0, 1]",
    takes: Takes::Real {
        unset: Unset::Default(0.875),
        range: Range::Within(SMALLEST_CROP, 1.0),
    },
};

pub const INTERPOLATION: Opt = Opt {
    name: "interpolation",
    about: "what lies between pixels; antialiased where an image shrinks",
    takes: Takes::Name {
        unset: Unset::Default(Interpolation::Bilinear.as_str()),
        names: Interpolation::NAMES,
    },
};

names! {
    /// What lies between pixels.
    #[derive(Default)]
    Interpolation {
        #[default]
        Bilinear = "bilinear",
        Bicubic = "bicubic",
    }
}

impl Interpolation {
    /// The one of this name; bilinear for another.
    pub fn named(name: &str) -> Interpolation {
        let found = Interpolation::ALL.iter().find(|one| one.as_str() == name);
        found.copied().unwrap_or_default()
    }
}
