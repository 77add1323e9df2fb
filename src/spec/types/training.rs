//! How the network is trained.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use super::imbalance::{ClassWeights, Sampler};
use crate::metric::{self, ACCURACY, METRICS};
use crate::names::{Name, listed, names};
use crate::spec::values::Device;

/// `[training]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Passes over the training images.
    #[schemars(range(min = 1))]
    pub epochs: usize,
    /// Images that are computed at once.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Batches a step: its gradient is the mean over all of their images.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 65_536))]
    pub accumulate: usize,
    /// What part of it a moving average of the weights keeps at each step, which is evaluated and saved in their place; in
    /// [0, 1), none at 0.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub ema: f64,
    /// What is minimized.
    pub loss: Loss,
    /// The target is `y * (1 - s) + s / classes`; in [0, 1).
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub label_smoothing: f64,
    /// What the loss of a training image is multiplied by, by its class.
    #[serde(skip_serializing_if = "ClassWeights::is_none")]
    pub class_weights: ClassWeights,
    /// Which training images an epoch draws.
    #[serde(skip_serializing_if = "Sampler::is_none")]
    pub sampler: Sampler,
    /// Where images have several labels: the probability above which a class is predicted; in (0, 1).
    #[serde(skip_serializing_if = "is_half")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub threshold: f64,
    /// What is recorded beside the loss.
    pub metrics: Vec<Metric>,
    /// Whether each epoch sees the images in a new order.
    pub shuffle: bool,
    /// Stop when a metric no longer improves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// A whole model, as the runner saves it, to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_weights: Option<PathBuf>,
    /// Minutes between two checkpoints inside an epoch; there is one after every epoch.
    #[schemars(range(min = 0))]
    pub checkpoint_minutes: f64,
    /// Of which runs the trained model is kept.
    #[serde(skip_serializing_if = "Save::is_all")]
    pub save: Save,
    /// Where to compute.
    pub device: Device,
    /// Arithmetic of the network.
    pub precision: Precision,
}

impl Training {
    /// What is recorded beside the loss.
    pub fn metrics(&self) -> impl Iterator<Item = &'static metric::Metric> {
        self.metrics.iter().map(|metric| metric.row())
    }

    /// Updates in a pass over so many training images.
    pub fn steps(&self, images: usize) -> usize {
        let batches = images.div_ceil(self.batch_size.max(1));
        batches.div_ceil(self.accumulate.max(1))
    }
}

fn is_half(value: &f64) -> bool {
    *value == 0.5
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

impl Default for Training {
    fn default() -> Self {
        Training {
            epochs: 10,
            batch_size: 32,
            accumulate: 1,
            ema: 0.0,
            loss: Loss::CategoricalCrossentropy,
            label_smoothing: 0.0,
            class_weights: ClassWeights::None,
            sampler: Sampler::None,
            threshold: 0.5,
            metrics: vec![Metric::of(&ACCURACY)],
            shuffle: true,
            early_stopping: None,
            initial_weights: None,
            checkpoint_minutes: 10.0,
            save: Save::All,
            device: Device::Auto,
            precision: Precision::F32,
        }
    }
}

names! {
    /// Runs whose models are kept.
    Save {
        /// All.
        All = "all",
        /// All; tensors that are frozen are kept once for all runs that have the same.
        Shared = "shared",
        /// That of the best run, once every run has ended.
        Best = "best",
        /// None.
        None = "none",
    }
}

impl Save {
    fn is_all(&self) -> bool {
        *self == Save::All
    }

    /// Whether every run keeps its model.
    pub fn keeps_each(self) -> bool {
        matches!(self, Save::All | Save::Shared)
    }
}

names! {
    /// Losses, by Keras's names.
    Loss {
        CategoricalCrossentropy = "categorical_crossentropy",
        BinaryCrossentropy = "binary_crossentropy",
    }
}

listed! {
    /// Metrics; each is a column of `metrics.parquet` under this name and under `val_` + this name.
    Metric(metric::Metric), METRICS.iter().copied(), |metric| metric.name, |metric| metric.about
}

names! {
    /// Arithmetic of the network; weights, statistics and losses are f32.
    Precision {
        F32 = "f32",
        /// Products of f32 values rounded to 10 bits behind the point; on an NVIDIA GPU.
        Tf32 = "tf32",
        /// On an NVIDIA GPU values between layers of 16 bits, 8 of them mantissa; on a CPU with AVX512-BF16 such factors of
        /// products.
        Bf16 = "bf16",
    }
}

/// `training.early_stopping`, as Keras's `EarlyStopping`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// The metric watched: `val_loss`, `val_accuracy`, `loss`, ...
    pub monitor: String,
    /// Epochs without improvement after which training stops.
    pub patience: usize,
    /// What counts as an improvement.
    pub min_delta: f64,
    /// Go back to the weights of the best epoch at the end.
    pub restore_best: bool,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        EarlyStopping {
            monitor: "val_loss".into(),
            patience: 0,
            min_delta: 0.0,
            restore_best: false,
        }
    }
}
