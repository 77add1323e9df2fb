//! The gate of squeeze-and-excite.

use candle_core::{Result, Tensor, bail};

use super::Primitive;
use crate::graph::{Context, Shape};
use crate::ops;

/// A map times a map of one position: each channel by a factor of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiply;

impl Primitive for Multiply {
    fn kind(&self) -> &'static str {
        "Multiply"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        match inputs {
            [map @ Shape::Map { channels, .. }, gate] if *gate == Shape::square(1, *channels) => {
                Ok(*map)
            }
            _ => Err(format!(
                "it takes a map and a factor of each channel, not {inputs:?}"
            )),
        }
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        match inputs {
            [x, gate] => ops::scale(x, gate),
            _ => bail!(
                "{} inputs are to be multiplied, and two can be",
                inputs.len()
            ),
        }
    }
}
