//! The spec: everything that decides an experiment's result, as typed values with their defaults.

mod augmentation;
mod axis;
mod dataset;
mod imbalance;
mod network;
mod optimizer;
mod pixels;
mod stage;
mod sweep;
mod table;
mod training;

use figment::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use augmentation::*;
pub use axis::*;
pub(in crate::spec) use dataset::DatasetTable;
pub use dataset::{Dataset, DatasetName, OnBadImage, Validation};
pub use imbalance::*;
pub(in crate::spec) use network::HeadTable;
pub use network::*;
pub use optimizer::*;
pub use pixels::*;
pub use stage::*;
pub use sweep::*;
pub(in crate::spec) use table::Table;
pub use training::*;

/// One run's spec: what stands in the TOML file, defaults filled in and without the sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Names the results folder; by default the spec file's stem.
    pub name: String,
    /// Everything random derives from it.
    #[serde(default)]
    #[schemars(extend("x-replicate" = true))]
    pub seed: u64,
    /// The images.
    pub dataset: Dataset,
    /// How pixel values become the network's input.
    #[serde(default)]
    pub normalization: Normalization,
    /// How images become squares.
    #[serde(default)]
    pub resize: Resize,
    /// Random changes to the training images.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// The pretrained part of the network.
    pub backbone: Backbone,
    /// How much of the network stays as it is.
    #[serde(default)]
    pub freeze: Freeze,
    /// The new layers on top of the backbone, in order; empty only with `backbone.include_top`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub head: Vec<HeadLayer>,
    /// How the weights are updated.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// Epochs, batches, loss, metrics, device.
    #[serde(default)]
    pub training: Training,
    /// Keeping the frozen part's outputs.
    #[serde(default)]
    pub features: Features,
    /// Trackers that log the runs, beside what is recorded anyway.
    #[serde(default, skip_serializing_if = "Tracking::is_off")]
    pub tracking: Tracking,
    /// Parts of a run, one after another, each with keys of its own; then `training.epochs` is not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stage: Vec<Stage>,
}

impl Spec {
    /// How many classes are told apart, where the spec alone decides it.
    pub fn class_count(&self) -> Option<usize> {
        let chosen = self.dataset.classes.as_ref().map(Vec::len);
        chosen.or_else(|| self.dataset.name.classes.map(<[_]>::len))
    }

    /// Reads one of its tables, or a key at the top, anew; none where the value does not fit, or there is no such key.
    pub(in crate::spec) fn put(&mut self, table: &str, value: &Value) -> Option<()> {
        match table {
            "seed" => self.seed = value.deserialize().ok()?,
            "dataset" => self.dataset = value.deserialize().ok()?,
            "normalization" => self.normalization = value.deserialize().ok()?,
            "resize" => self.resize = value.deserialize().ok()?,
            "augmentation" => self.augmentation = value.deserialize().ok()?,
            "backbone" => self.backbone = value.deserialize().ok()?,
            "freeze" => self.freeze = value.deserialize().ok()?,
            "head" => self.head = value.deserialize().ok()?,
            "optimizer" => self.optimizer = value.deserialize().ok()?,
            "training" => self.training = value.deserialize().ok()?,
            "features" => self.features = value.deserialize().ok()?,
            "stage" => self.stage = value.deserialize().ok()?,
            "tracking" => self.tracking = value.deserialize().ok()?,
            _ => return None,
        }
        Some(())
    }
}

/// `[features]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// Memory for the frozen part's outputs, e.g. "8GiB"; "0" turns them off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<super::values::Bytes>,
    /// What kept outputs may take in the cache folder, those of other experiments too, e.g. "100GiB"; "0" keeps none there.
    /// By default what leaves a fifth of the disk free; where less is free, half of that, up to 16 GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<super::values::Bytes>,
}

/// `[tracking]`: it changes nothing about the results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// Write event files for TensorBoard, into `results/<name>/tensorboard`.
    #[serde(default)]
    pub tensorboard: bool,
    /// The address of an MLflow server that every run is logged to, e.g. "http://localhost:5000".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^https?://[^/?#@]+[^?#@]*$"))]
    pub mlflow: Option<String>,
}

impl Tracking {
    /// Whether no tracker is told anything.
    pub fn is_off(&self) -> bool {
        *self == Tracking::default()
    }
}
