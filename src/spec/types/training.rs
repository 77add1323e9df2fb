//! How the network is trained.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::names::{Name, names};
use crate::spec::values::Device;

/// `[optimizer]`. Options that belong to another optimizer than `name` are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// Which optimizer.
    #[serde(default)]
    pub name: OptimizerName,
    /// Default: Keras's (0.01 for sgd, 1e-3 for the others).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: Option<f64>,
    /// `sgd`, `rmsprop`: default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// `sgd`: Nesterov's momentum; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// `adam`, `adamw`: decay of the first moment; default 0.9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub beta_1: Option<f64>,
    /// `adam`, `adamw`: decay of the second moment; default 0.999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub beta_2: Option<f64>,
    /// `rmsprop`: decay of the mean square; default 0.9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub rho: Option<f64>,
    /// `adam`, `adamw`, `rmsprop`: default 1e-7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// Decoupled weight decay, `w -= learning_rate * weight_decay * w`; default 0.004 for `adamw`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub weight_decay: Option<f64>,
    /// How the learning rate changes; default constant.
    #[serde(default)]
    pub schedule: Schedule,
}

names! {
    /// Optimizers, with Keras's rules and defaults.
    #[derive(Default)]
    OptimizerName {
        Sgd = "sgd",
        #[default]
        Adam = "adam",
        Adamw = "adamw",
        Rmsprop = "rmsprop",
    }
}

/// `optimizer.schedule`. Options that belong to another kind are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Which rule.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// The rate rises linearly from 0 over this many epochs first; default 0.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub warmup_epochs: f64,
    /// The rate never falls below this; default 0.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub minimum: f64,
    /// `step`: epochs between two drops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub step_epochs: Option<usize>,
    /// `step`, `exponential` (per epoch), `plateau`: the rate is multiplied by this; default 0.1, 0.9, 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// `plateau`: what is watched; default "val_loss".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
    /// `plateau`: epochs without improvement before a drop; default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// `plateau`: what counts as an improvement; default 1e-4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_delta: Option<f64>,
}

names! {
    /// Learning rate schedules.
    #[derive(Default)]
    ScheduleKind {
        #[default]
        Constant = "constant",
        Cosine = "cosine",
        Step = "step",
        Exponential = "exponential",
        Plateau = "plateau",
    }
}

/// `[training]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Passes over the training images.
    #[schemars(range(min = 1))]
    pub epochs: usize,
    /// Images a step.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// What is minimized.
    pub loss: Loss,
    /// The target is `y * (1 - s) + s / classes`; in [0, 1).
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub label_smoothing: f64,
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
    /// Where to compute.
    pub device: Device,
    /// Arithmetic of the network.
    pub precision: Precision,
}

impl Default for Training {
    fn default() -> Self {
        Training {
            epochs: 10,
            batch_size: 32,
            loss: Loss::CategoricalCrossentropy,
            label_smoothing: 0.0,
            metrics: vec![Metric::Accuracy],
            shuffle: true,
            early_stopping: None,
            initial_weights: None,
            checkpoint_minutes: 10.0,
            device: Device::Auto,
            precision: Precision::F32,
        }
    }
}

names! {
    /// Losses, by Keras's names.
    Loss {
        CategoricalCrossentropy = "categorical_crossentropy",
        BinaryCrossentropy = "binary_crossentropy",
    }
}

names! {
    /// Metrics; each is a column of `metrics.parquet` under this name and under `val_` + this name.
    Metric {
        Accuracy = "accuracy",
        Top5Accuracy = "top5_accuracy",
        /// The accuracy of each class, as a list in the order of the classes.
        PerClass = "per_class",
    }
}

names! {
    /// Arithmetic of the network; weights, statistics and losses are f32.
    Precision {
        F32 = "f32",
        /// Products of f32 values rounded to 10 bits behind the point; not yet on any device.
        Tf32 = "tf32",
        /// Not yet on any device.
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
