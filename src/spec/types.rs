//! The spec: everything that decides an experiment's result, as typed values with their defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::values::{Choice, Device, FreezeThrough, Units, Weights};

/// One run's spec: what stands in the TOML file, defaults filled in and without the sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Names the results folder; by default the spec file's stem.
    pub name: String,
    /// Everything random derives from it.
    #[serde(default)]
    pub seed: u64,
    /// The images.
    pub dataset: Dataset,
    /// How pixel values become the network's input.
    #[serde(default)]
    pub normalization: Normalization,
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
    /// Trackers that are told of the runs beside what is recorded anyway.
    #[serde(default, skip_serializing_if = "Tracking::is_off")]
    pub tracking: Tracking,
}

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
    /// What becomes of an image that does not decode.
    #[serde(default)]
    pub on_bad_image: OnBadImage,
}

fn default_validation_split() -> f64 {
    0.1
}

/// Reads one of a few names, as text.
struct Name(&'static [&'static str]);

impl Visitor<'_> for Name {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let quoted: Vec<String> = self.0.iter().map(|name| format!("\"{name}\"")).collect();
        match quoted.as_slice() {
            [only] => f.write_str(only),
            names => write!(f, "one of {}", names.join(", ")),
        }
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<String, E> {
        Ok(name.to_owned())
    }
}

/// A value of the spec that is one of a few names.
///
/// Declares the enum, its serde names, `NAMES`, `as_str` and `Display`.
macro_rules! names {
    ($(#[$meta:meta])* $type:ident { $($(#[$vmeta:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        pub enum $type { $($(#[$vmeta])* #[serde(rename = $name)] $variant),+ }

        // Not derived: that would also take a variant's number for its name.
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = deserializer.deserialize_any(Name(Self::NAMES))?;
                let found = Self::ALL.iter().find(|value| value.as_str() == name);
                found.copied().ok_or_else(|| de::Error::unknown_variant(&name, Self::NAMES))
            }
        }

        impl $type {
            /// Every name, in the order of declaration.
            pub const NAMES: &'static [&'static str] = &[$($name),+];
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// The name as it stands in a spec.
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

names! {
    /// The datasets the runner can read.
    DatasetName {
        Cifar10 = "cifar10",
        Cifar100 = "cifar100",
        Mnist = "mnist",
        FashionMnist = "fashion_mnist",
        /// UCI handwritten digits, built into the binary.
        Digits = "digits",
        /// A folder a class, JPEG and PNG.
        ImageFolder = "image_folder",
    }
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
    /// Mean of each channel of x/255 (`custom` only): one value, or one a channel in RGB order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// Standard deviation of each channel of x/255 (`custom` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
}

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
        /// mean and standard deviation of the training part, a channel
        Standardize = "standardize",
        /// (x/255 - mean)/std with the spec's own numbers
        Custom = "custom",
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
    /// `step`, `exponential` (an epoch), `plateau`: the rate is multiplied by this; default 0.1, 0.9, 0.1.
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
    /// Arithmetic of the network.
    Precision {
        F32 = "f32",
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

/// `[features]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// Memory for the frozen part's outputs, e.g. "8GiB"; "0" turns them off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<super::values::Bytes>,
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

/// `[sweep]`: which runs an experiment consists of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Every point of the axes, or some.
    #[serde(default)]
    pub strategy: Strategy,
    /// `random`: how many points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub samples: Option<usize>,
    /// Values by key of the spec.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<serde_json::Value>>")]
    pub axes: BTreeMap<String, Vec<toml::Value>>,
    /// The keys of `axes` in the order of the file.
    #[serde(skip)]
    pub order: Vec<String>,
}

impl Sweep {
    /// Each axis with its values, in the order of the file; the last one varies fastest.
    pub fn in_order(&self) -> impl Iterator<Item = (&str, &[toml::Value])> {
        let values = |key: &String| self.axes.get_key_value(key);
        let ordered = self.order.iter().filter_map(values);
        let rest = self
            .axes
            .iter()
            .filter(|(key, _)| !self.order.contains(key));
        ordered
            .chain(rest)
            .map(|(key, values)| (key.as_str(), values.as_slice()))
    }
}

names! {
    /// How points are taken from the axes.
    #[derive(Default)]
    Strategy {
        /// Every combination.
        #[default]
        Grid = "grid",
        /// `samples` different combinations, drawn by the seed.
        Random = "random",
    }
}
