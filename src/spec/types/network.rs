//! The network: backbone, what of it is frozen, head.

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use super::names::{Name, names};
use crate::spec::values::{FreezeThrough, Units, Weights};

/// `[backbone]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backbone {
    /// Which architecture.
    pub arch: Arch,
    /// Where its weights come from.
    #[serde(default)]
    pub weights: Weights,
    /// Images are resized to a square of this many pixels.
    #[serde(default = "default_input_size")]
    #[schemars(range(min = 1))]
    pub input_size: usize,
    /// Keep the architecture's own 1000-class head; `[[head]]` must then be empty.
    #[serde(default)]
    pub include_top: bool,
}

fn default_input_size() -> usize {
    32
}

names! {
    /// The backbones the runner can build.
    Arch {
        Vgg11 = "vgg11",
        Vgg11Bn = "vgg11_bn",
        Vgg13 = "vgg13",
        Vgg13Bn = "vgg13_bn",
        Vgg16 = "vgg16",
        Vgg16Bn = "vgg16_bn",
        Vgg19 = "vgg19",
        Vgg19Bn = "vgg19_bn",
        Squeezenet1_1 = "squeezenet1_1",
    }
}

/// `[freeze]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The last frozen layer by name, "none", "all" (the whole backbone), or N as Keras's `layers[:N]`.
    #[serde(default)]
    pub through: FreezeThrough,
}

/// One `[[head]]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadLayer {
    /// Which kind of layer.
    pub layer: HeadKind,
    /// The layer's name; by default Keras's automatic one (`dense`, `dense_1`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `dense`: outputs, or "classes".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// `dense` and `activation`: the function applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// `dropout`: the part of the values dropped, in [0, 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub rate: Option<f64>,
    /// `batch_normalization`: how much of the moving statistics is kept each step; default 0.99.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// `batch_normalization`: added to the variance; default 1e-3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
}

impl HeadLayer {
    /// A layer of this kind without options.
    pub fn new(layer: HeadKind) -> Self {
        HeadLayer {
            layer,
            name: None,
            units: None,
            activation: None,
            rate: None,
            momentum: None,
            epsilon: None,
        }
    }
}

names! {
    /// Kinds of head layers, by Keras's names.
    HeadKind {
        Flatten = "flatten",
        GlobalAveragePooling = "global_average_pooling",
        Dense = "dense",
        BatchNormalization = "batch_normalization",
        Dropout = "dropout",
        Activation = "activation",
    }
}

names! {
    /// Activation functions.
    Activation {
        Linear = "linear",
        Relu = "relu",
        Tanh = "tanh",
        Sigmoid = "sigmoid",
        Softmax = "softmax",
    }
}
