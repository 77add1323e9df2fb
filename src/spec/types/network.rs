//! The network: backbone, what of it is frozen, head.

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::names::{Name, listed, names};
use crate::spec::values::{FreezeThrough, Units, Weights};
use crate::zoo::{Architecture, CATALOG};

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
    /// Stochastic depth: the part of the samples for which the deepest residual branch is left out while training; the
    /// rate grows from 0 at the first block, as timm's `drop_path_rate`.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = 1))]
    pub drop_path: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn default_input_size() -> usize {
    32
}

listed! {
    /// The backbones the runner can build.
    Arch(Architecture), CATALOG.iter(), |arch| arch.name
}

/// `[freeze]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The last frozen layer by name, "none", "all" (the whole backbone), or N as Keras's `layers[:N]`.
    #[serde(default)]
    #[schemars(extend("x-order" = "depth"))]
    pub through: FreezeThrough,
    /// Instead of `through`: globs over the backbone's tensors and modules that train, e.g. ["layer4", "*.bias"]; all else
    /// of it is frozen, the head always trains. `*` stands for any characters, dots included.
    #[serde(default)]
    pub train: Option<Vec<String>>,
    /// Batch norms of frozen layers: "frozen" (they infer, as in Keras), "statistics" (they normalize by the batch, and
    /// their moving statistics follow), or "train" (their gamma and beta train, too).
    #[serde(default)]
    pub batch_norm: BatchNormMode,
}

/// Only what decides: `through` or `train`, and `batch_norm` where it is not the default.
impl Serialize for Freeze {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.train {
            Some(globs) => map.serialize_entry("train", globs)?,
            None => map.serialize_entry("through", &self.through)?,
        }
        if self.batch_norm != BatchNormMode::default() {
            map.serialize_entry("batch_norm", &self.batch_norm)?;
        }
        map.end()
    }
}

names! {
    /// What batch norms of frozen layers do while the rest trains.
    #[derive(Default)]
    BatchNormMode {
        /// They infer and keep their statistics.
        #[default]
        Frozen = "frozen",
        /// They normalize by the batch, and their moving statistics follow.
        Statistics = "statistics",
        /// The same, and their gamma and beta train.
        Train = "train",
    }
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
    /// Kinds of head layers, by Keras's names; `pool` is the architecture's own pooling and what it does before its
    /// classifier.
    HeadKind {
        Pool = "pool",
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
