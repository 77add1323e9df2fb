//! Residual connections.

use candle_core::{Result, Tensor, bail};

use super::{Kept, Primitive};
use crate::graph::{Context, Shape};
use crate::ops;

/// The sum of two inputs of the same shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Add;

impl Primitive for Add {
    fn kind(&self) -> &'static str {
        "Add"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        match inputs {
            [a, b] if a == b => Ok(*a),
            _ => Err(format!(
                "it adds two inputs of the same shape, not {inputs:?}"
            )),
        }
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        match inputs {
            [a, b] => ops::add(a, b, false),
            _ => bail!("{} inputs are to be added, and two can be", inputs.len()),
        }
    }
}
