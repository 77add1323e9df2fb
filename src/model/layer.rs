//! What a link of the chain computes: its kind, the shape it gives and the tensors it holds.

use super::shape::Shape;
use crate::ops::{Conv2dConfig, Pool2dConfig};
use crate::spec::Activation;

/// A layer without its weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    Conv2d {
        filters: usize,
        size: usize,
        config: Conv2dConfig,
    },
    MaxPool2d(Pool2dConfig),
    BatchNormalization {
        momentum: f64,
        epsilon: f64,
        relu: bool,
    },
    /// SqueezeNet's fire block: a 1×1 squeeze, then 1×1 and 3×3 expansions side by side.
    Fire {
        squeeze: usize,
        expand: usize,
    },
    Flatten,
    GlobalAveragePooling,
    Dense {
        units: usize,
        activation: Activation,
    },
    Dropout {
        rate: f64,
    },
    Activation(Activation),
}

/// What a tensor is to its layer; decides its layout, its initial value and whether it can train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `[height, width, in, out]` here, `[out, in, height, width]` in files; as `[in, out]` and
    /// `[out, in]` where `dense`.
    Kernel {
        dense: bool,
    },
    Bias,
    /// Batch normalization's scale.
    Gamma,
    /// Batch normalization's offset.
    Beta,
    MovingMean,
    MovingVariance,
}

impl Role {
    /// Whether the optimizer may change it: moving statistics are not weights.
    pub fn is_weight(self) -> bool {
        !matches!(self, Role::MovingMean | Role::MovingVariance)
    }
}

/// A tensor of a layer: its full name and its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As in `model.safetensors`, e.g. `block1_conv1.weight`.
    pub name: String,
    pub role: Role,
    /// `[height, width, in, out]` for every kernel (a dense kernel after `flatten` has the
    /// height and width of the map that was flattened, others have 1 and 1); the map
    /// `[height, width, channels]` or `[channels]` for everything else.
    pub extent: Vec<usize>,
}

impl Parameter {
    /// Number of values.
    pub fn elements(&self) -> usize {
        self.extent.iter().product()
    }

    /// The shape the tensor has while the network runs.
    pub fn shape(&self) -> Vec<usize> {
        match (self.role, self.extent.as_slice()) {
            (Role::Kernel { dense: true }, [h, w, i, o]) => vec![h * w * i, *o],
            (Role::Kernel { .. }, extent) => extent.to_vec(),
            _ => vec![self.elements()],
        }
    }

    /// The shape the tensor has in PyTorch and in files.
    pub fn file_shape(&self) -> Vec<usize> {
        match (self.role, self.extent.as_slice()) {
            (Role::Kernel { dense: true }, [h, w, i, o]) => vec![*o, i * h * w],
            (Role::Kernel { dense: false }, [h, w, i, o]) => vec![*o, *i, *h, *w],
            _ => vec![self.elements()],
        }
    }
}

impl Layer {
    /// The word shown for the layer's kind, by Keras's names where Keras has the layer.
    pub fn kind(&self) -> &'static str {
        match self {
            Layer::Conv2d { .. } => "Conv2D",
            Layer::MaxPool2d(_) => "MaxPooling2D",
            Layer::BatchNormalization { .. } => "BatchNormalization",
            Layer::Fire { .. } => "Fire",
            Layer::Flatten => "Flatten",
            Layer::GlobalAveragePooling => "GlobalAveragePooling2D",
            Layer::Dense { .. } => "Dense",
            Layer::Dropout { .. } => "Dropout",
            Layer::Activation(_) => "Activation",
        }
    }

    /// The shape the layer gives for `input`.
    ///
    /// # Errors
    /// Why the layer cannot stand there.
    pub fn output(&self, input: Shape) -> Result<Shape, String> {
        let wants_map = || {
            Err(format!(
                "a {} layer needs a feature map, not {input}",
                self.kind()
            ))
        };
        match (self, input) {
            (
                Layer::Conv2d {
                    filters,
                    size,
                    config,
                },
                Shape::Map { height, width, .. },
            ) => {
                let side = |n: usize| {
                    (n + 2 * config.padding)
                        .checked_sub(*size)
                        .map(|span| span / config.stride + 1)
                        .ok_or_else(|| too_small(self, input))
                };
                Ok(Shape::Map {
                    height: side(height)?,
                    width: side(width)?,
                    channels: *filters,
                })
            }
            (
                Layer::MaxPool2d(pool),
                Shape::Map {
                    height,
                    width,
                    channels,
                },
            ) => {
                let side = |n: usize| pool.outputs(n).ok_or_else(|| too_small(self, input));
                Ok(Shape::Map {
                    height: side(height)?,
                    width: side(width)?,
                    channels,
                })
            }
            (Layer::Fire { expand, .. }, Shape::Map { height, width, .. }) => Ok(Shape::Map {
                height,
                width,
                channels: 2 * expand,
            }),
            (Layer::GlobalAveragePooling, Shape::Map { channels, .. }) => {
                Ok(Shape::vector(channels))
            }
            (
                Layer::Flatten,
                Shape::Map {
                    height,
                    width,
                    channels,
                },
            ) => Ok(Shape::Vector {
                len: input.elements(),
                flattened: Some([height, width, channels]),
            }),
            (Layer::Flatten, Shape::Vector { .. }) => Ok(input),
            (Layer::Dense { units, .. }, Shape::Vector { .. }) => Ok(Shape::vector(*units)),
            (Layer::Dense { .. }, Shape::Map { .. }) => Err(format!(
                "a dense layer needs a vector, not {input}; put a flatten or \
                 global_average_pooling layer before it"
            )),
            (
                Layer::BatchNormalization { .. } | Layer::Dropout { .. } | Layer::Activation(_),
                _,
            ) => Ok(input),
            _ => wants_map(),
        }
    }

    /// The layer's tensors for `input`, in the order of their names' introduction.
    pub fn parameters(&self, layer: &str, input: Shape) -> Vec<Parameter> {
        let one = |suffix: &str, role, extent: &[usize]| Parameter {
            name: format!("{layer}.{suffix}"),
            role,
            extent: extent.to_vec(),
        };
        let conv = |prefix: &str, size: usize, i: usize, o: usize| {
            [
                one(
                    &format!("{prefix}weight"),
                    Role::Kernel { dense: false },
                    &[size, size, i, o],
                ),
                one(&format!("{prefix}bias"), Role::Bias, &[o]),
            ]
        };
        match *self {
            Layer::Conv2d { filters, size, .. } => conv("", size, input.channels(), filters).into(),
            Layer::Fire { squeeze, expand } => [
                conv("squeeze.", 1, input.channels(), squeeze),
                conv("expand1x1.", 1, squeeze, expand),
                conv("expand3x3.", 3, squeeze, expand),
            ]
            .concat(),
            Layer::Dense { units, .. } => {
                let [h, w, c] = flattened(input).unwrap_or([1, 1, input.elements()]);
                vec![
                    one("weight", Role::Kernel { dense: true }, &[h, w, c, units]),
                    one("bias", Role::Bias, &[units]),
                ]
            }
            Layer::BatchNormalization { .. } => {
                let extent = flattened(input).map_or(vec![input.channels()], |map| map.to_vec());
                [
                    ("weight", Role::Gamma),
                    ("bias", Role::Beta),
                    ("running_mean", Role::MovingMean),
                    ("running_var", Role::MovingVariance),
                ]
                .map(|(suffix, role)| one(suffix, role, &extent))
                .into()
            }
            _ => Vec::new(),
        }
    }

    /// Multiply-accumulates for one sample.
    pub fn multiplications(&self, input: Shape, output: Shape) -> u64 {
        let per_place = |map: Shape| (map.elements() / map.channels().max(1)) as u64;
        match *self {
            Layer::Conv2d { filters, size, .. } => {
                per_place(output) * (size * size * input.channels() * filters) as u64
            }
            Layer::Fire { squeeze, expand } => {
                per_place(output) * (squeeze * (input.channels() + expand + 9 * expand)) as u64
            }
            Layer::Dense { units, .. } => (input.elements() * units) as u64,
            _ => 0,
        }
    }

    /// Whether the layer's output for a sample is random while training, frozen or not.
    pub fn is_random(&self) -> bool {
        matches!(self, Layer::Dropout { rate } if *rate > 0.0)
    }
}

fn flattened(shape: Shape) -> Option<[usize; 3]> {
    match shape {
        Shape::Vector { flattened, .. } => flattened,
        Shape::Map { .. } => None,
    }
}

fn too_small(layer: &Layer, input: Shape) -> String {
    format!(
        "its input {input} is too small for a {} layer; raise backbone.input_size",
        layer.kind()
    )
}
