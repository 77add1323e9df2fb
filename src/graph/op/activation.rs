//! Functions of single values, and softmax.

use std::fmt;

use candle_core::{Result, Tensor};

use super::{Kept, Primitive, one, one_shape};
use crate::graph::{Context, Shape};
use crate::ops;

/// A function applied to every value.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    pub function: Function,
}

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Tanh,
    /// Over the last axis.
    Softmax,
    Of(ops::Function),
}

impl Function {
    pub const RELU: Function = Function::Of(ops::Function::Relu);
}

/// As parts of nodes' names.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Function::Tanh => "tanh",
            Function::Softmax => "softmax",
            Function::Of(ops::Function::Relu) => "relu",
            Function::Of(ops::Function::Relu6) => "relu6",
            Function::Of(ops::Function::Sigmoid) => "sigmoid",
            Function::Of(ops::Function::Silu) => "silu",
            Function::Of(ops::Function::Gelu) => "gelu",
            Function::Of(ops::Function::HardSwish) => "hard_swish",
            Function::Of(ops::Function::HardSigmoid) => "hard_sigmoid",
        })
    }
}

impl Primitive for Activation {
    fn kind(&self) -> &'static str {
        "Activation"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        one_shape(inputs)
    }

    fn keeps(&self) -> Kept {
        match self.function {
            Function::Of(_) => Kept::INPUTS,
            Function::Tanh | Function::Softmax => Kept::OUTPUT,
        }
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        let x = one(inputs)?;
        match self.function {
            Function::Tanh => ops::tanh(x),
            Function::Of(function) => ops::activation(x, function),
            Function::Softmax => ops::softmax(x),
        }
    }
}
