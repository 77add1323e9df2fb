//! How each primitive is written as layers of Keras's.

use serde_json::json;

use super::place::{Class, Place};
use crate::export::Error;
use crate::graph::op::{
    Activation, Add, Attention, AveragePool, BatchNorm, ClassToken, Concatenate, Convolution,
    Dense, DropPath, Dropout, Embed, Flatten, Function, GlobalPool, Input, LayerNorm, LayerScale,
    MaxPool, Multiply,
};
use crate::graph::{Graph, Op, Shape};
use crate::ops::{self, Padding, Pool2dConfig};

const CONVOLUTION: Class = Class::activating("Conv2D", "conv2d");
const DEPTHWISE: Class = Class::activating("DepthwiseConv2D", "depthwise_conv2d");
const DENSE: Class = Class::activating("Dense", "dense");
const BATCH_NORM: Class = Class::new("BatchNormalization", "batch_normalization");
const LAYER_NORM: Class = Class::new("LayerNormalization", "layer_normalization");

/// An operation that Keras's own layers can express, or not.
pub trait Layered {
    /// Writes it at its place; gives the layer that gives what it gives.
    ///
    /// # Errors
    /// Keras has no layer for it.
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error>;
}

/// How an operation is written.
pub fn layered(op: &Op) -> &dyn Layered {
    match op {
        Op::Activation(op) => op,
        Op::Add(op) => op,
        Op::Attention(op) => op,
        Op::AveragePool(op) => op,
        Op::BatchNorm(op) => op,
        Op::ClassToken(op) => op,
        Op::Concatenate(op) => op,
        Op::Convolution(op) => op,
        Op::Dense(op) => op,
        Op::DropPath(op) => op,
        Op::Dropout(op) => op,
        Op::Embed(op) => op,
        Op::Flatten(op) => op,
        Op::GlobalPool(op) => op,
        Op::Input(op) => op,
        Op::LayerNorm(op) => op,
        Op::LayerScale(op) => op,
        Op::MaxPool(op) => op,
        Op::Multiply(op) => op,
    }
}

/// A layer without weights that takes all that the node takes and gives what it gives.
fn plain(
    place: &mut Place<'_, '_>,
    name: &'static str,
    options: serde_json::Value,
) -> Result<usize, Error> {
    let io = (place.inputs()?, place.node.output.dims());
    Ok(place.push("", Class::new(name, ""), options, io, Vec::new()))
}

/// The height, width and channels of the first input.
fn map(place: &Place<'_, '_>) -> Result<[usize; 3], Error> {
    match place.shape()? {
        Shape::Map {
            height,
            width,
            channels,
        } => Ok([height, width, channels]),
        _ => Err(place.wrong("takes no map")),
    }
}

/// Zeros around what the node takes: pixels at the top, bottom, left and right.
fn padded(
    place: &mut Place<'_, '_>,
    [top, bottom, left, right]: [usize; 4],
) -> Result<usize, Error> {
    let input = place.input()?;
    let [h, w, c] = map(place)?;
    if [top, bottom, left, right] == [0; 4] {
        return Ok(input);
    }
    let options = json!({ "padding": [[top, bottom], [left, right]] });
    let io = (vec![input], vec![h + top + bottom, w + left + right, c]);
    Ok(place.push(
        "pad",
        Class::new("ZeroPadding2D", ""),
        options,
        io,
        Vec::new(),
    ))
}

impl Layered for Input {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        Err(place.wrong("gives images, and they come first"))
    }
}

impl Layered for Activation {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        // keras.activations of Keras 3
        let name = match self.function {
            Function::Tanh => "tanh",
            Function::Softmax => "softmax",
            Function::Of(ops::Function::Relu) => "relu",
            Function::Of(ops::Function::Relu6) => "relu6",
            Function::Of(ops::Function::Sigmoid) => "sigmoid",
            Function::Of(ops::Function::Silu) => "silu",
            Function::Of(ops::Function::Gelu) => "gelu",
            Function::Of(ops::Function::HardSwish) => "hard_silu",
            Function::Of(ops::Function::HardSigmoid) => "hard_sigmoid",
        };
        // Keras's `Activation("gelu")` is the exact one: `approximate=False`.
        match place.activate(name)? {
            Some(layer) => Ok(layer),
            None => plain(place, "Activation", json!({ "activation": name })),
        }
    }
}

impl Layered for Convolution {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let [_, _, channels] = map(place)?;
        let (k, s) = (self.size, self.stride);
        let (input, padding) = match self.padding {
            Padding::Same => (place.input()?, "same"),
            Padding::Each(0) => (place.input()?, "valid"),
            Padding::Each(p) if s == 1 && 2 * p + 1 == k => (place.input()?, "same"),
            Padding::Each(p) => (padded(place, [p; 4])?, "valid"),
        };
        let is_depthwise = self.groups > 1 && self.groups == channels && self.filters == channels;
        let (class, kernel) = match is_depthwise {
            true => (
                DEPTHWISE,
                place.array("weight", "kernel", &[k, k, channels, 1])?,
            ),
            false => {
                let shape = [k, k, channels / self.groups.max(1), self.filters];
                (CONVOLUTION, place.array("weight", "kernel", &shape)?)
            }
        };
        let mut arrays = vec![kernel];
        if self.bias {
            arrays.push(place.array("bias", "bias", &[self.filters])?);
        }
        let mut options = json!({
            "kernel_size": [k, k], "strides": [s, s], "padding": padding, "use_bias": self.bias,
        });
        if !is_depthwise {
            options["filters"] = self.filters.into();
            options["groups"] = self.groups.into();
        }
        let io = (vec![input], place.node.output.dims());
        Ok(place.push("", class, options, io, arrays))
    }
}

impl Layered for Dense {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let inputs = match place.shape()? {
            Shape::Vector { len, .. } => len,
            other => other.channels(),
        };
        let arrays = vec![
            place.array("weight", "kernel", &[inputs, self.units])?,
            place.array("bias", "bias", &[self.units])?,
        ];
        let io = (place.inputs()?, place.node.output.dims());
        Ok(place.push("", DENSE, json!({ "units": self.units }), io, arrays))
    }
}

impl Layered for BatchNorm {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let channels = [place.shape()?.channels()];
        let arrays = vec![
            place.array("weight", "gamma", &channels)?,
            place.array("bias", "beta", &channels)?,
            place.array("running_mean", "moving_mean", &channels)?,
            place.array("running_var", "moving_variance", &channels)?,
        ];
        let options = json!({ "momentum": self.momentum, "epsilon": self.epsilon });
        let io = (place.inputs()?, place.node.output.dims());
        Ok(place.push("", BATCH_NORM, options, io, arrays))
    }
}

impl Layered for LayerNorm {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let channels = [place.shape()?.channels()];
        let arrays = vec![
            place.array("weight", "gamma", &channels)?,
            place.array("bias", "beta", &channels)?,
        ];
        let io = (place.inputs()?, place.node.output.dims());
        Ok(place.push(
            "",
            LAYER_NORM,
            json!({ "epsilon": self.epsilon }),
            io,
            arrays,
        ))
    }
}

/// A factor of each channel, as a depthwise convolution of one pixel.
impl Layered for LayerScale {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let [_, _, channels] = map(place)?;
        let arrays = vec![place.array("gamma", "kernel", &[1, 1, channels, 1])?];
        let options = json!({ "kernel_size": [1, 1], "use_bias": false });
        let io = (place.inputs()?, place.node.output.dims());
        Ok(place.push("", DEPTHWISE, options, io, arrays))
    }
}

/// Pixels below or right of an axis that the last window sees.
fn overhang(config: &Pool2dConfig, size: usize) -> usize {
    let outputs = config.outputs(size).unwrap_or(1);
    let seen = outputs.saturating_sub(1) * config.stride + config.kernel;
    seen.saturating_sub(size + config.padding)
}

/// Whether a node gives nothing below 0.
fn is_never_negative(graph: &Graph, node: usize) -> bool {
    let Some(node) = graph.nodes().get(node) else {
        return false;
    };
    match &node.op {
        Op::Activation(op) => matches!(
            op.function,
            Function::RELU
                | Function::Softmax
                | Function::Of(
                    ops::Function::Relu6 | ops::Function::Sigmoid | ops::Function::HardSigmoid
                )
        ),
        Op::Concatenate(_) | Op::MaxPool(_) | Op::AveragePool(_) | Op::Dropout(_) => node
            .inputs
            .iter()
            .all(|input| is_never_negative(graph, *input)),
        _ => false,
    }
}

fn windows(
    place: &mut Place<'_, '_>,
    name: &'static str,
    config: &Pool2dConfig,
    input: usize,
) -> usize {
    let options = json!({
        "pool_size": [config.kernel, config.kernel], "strides": [config.stride, config.stride], "padding": "valid",
    });
    let io = (vec![input], place.node.output.dims());
    place.push("", Class::new(name, ""), options, io, Vec::new())
}

impl Layered for MaxPool {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let [h, w, _] = map(place)?;
        let before = self.0.padding;
        let pads = [before, overhang(&self.0, h), before, overhang(&self.0, w)];
        let source = place.node.inputs.first().copied().unwrap_or(0);
        if pads != [0; 4] && !is_never_negative(place.graph(), source) {
            return Err(place.wrong("pads what may be negative, and Keras pads with zeros"));
        }
        let input = padded(place, pads)?;
        Ok(windows(place, "MaxPooling2D", &self.0, input))
    }
}

impl Layered for AveragePool {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let [h, w, _] = map(place)?;
        if self.0.padding > 0 || overhang(&self.0, h) > 0 || overhang(&self.0, w) > 0 {
            return Err(place.wrong("averages windows that hang over the edge"));
        }
        let input = place.input()?;
        Ok(windows(place, "AveragePooling2D", &self.0, input))
    }
}

impl Layered for GlobalPool {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        plain(
            place,
            "GlobalAveragePooling2D",
            json!({ "keepdims": self.keep }),
        )
    }
}

impl Layered for Add {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        plain(place, "Add", json!({}))
    }
}

impl Layered for Multiply {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        plain(place, "Multiply", json!({}))
    }
}

impl Layered for Concatenate {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        match place.inputs()?.as_slice() {
            [only] => Ok(*only),
            _ => plain(place, "Concatenate", json!({ "axis": -1 })),
        }
    }
}

impl Layered for Dropout {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        plain(place, "Dropout", json!({ "rate": self.rate }))
    }
}

/// Dropout of whole samples.
impl Layered for DropPath {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        let mut noise = vec![serde_json::Value::Null];
        noise.extend(place.node.output.dims().iter().map(|_| 1.into()));
        plain(
            place,
            "Dropout",
            json!({ "rate": self.rate, "noise_shape": noise }),
        )
    }
}

impl Layered for Flatten {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        plain(place, "Flatten", json!({}))
    }
}

impl Layered for Attention {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        Err(place.wrong("has queries, keys and values in one product"))
    }
}

impl Layered for Embed {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        Err(place.wrong("adds a class token and positions"))
    }
}

impl Layered for ClassToken {
    fn write(&self, place: &mut Place<'_, '_>) -> Result<usize, Error> {
        Err(place.wrong("takes the class token"))
    }
}
