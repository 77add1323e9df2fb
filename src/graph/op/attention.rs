//! Multi-head self-attention.

use candle_core::{Result, Tensor};

use super::{Primitive, one, one_shape, product};
use crate::graph::{Context, Shape};
use crate::ops::{self, Passes, Scratch};

/// Attention between tokens whose queries, keys and values come one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    pub heads: usize,
}

impl Primitive for Attention {
    fn kind(&self) -> &'static str {
        "Attention"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        match one_shape(inputs)? {
            Shape::Tokens { count, channels }
                if self.heads > 0 && channels.is_multiple_of(3 * self.heads) =>
            {
                Ok(Shape::Tokens {
                    count,
                    channels: channels / 3,
                })
            }
            other => Err(format!(
                "{other} are not queries, keys and values of {} heads",
                self.heads
            )),
        }
    }

    /// Queries × keys, and weights × values.
    fn multiplications(&self, _: &[Shape], output: Shape) -> u64 {
        product(&[2, output.places(), output.elements()])
    }

    fn scratch(&self, _: usize, inputs: &[Shape], passes: Passes) -> Scratch {
        match *inputs {
            [Shape::Tokens { count, channels }] => {
                ops::attention_scratch(count, channels, self.heads, passes)
            }
            _ => Scratch::default(),
        }
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        ops::attention(one(inputs)?, self.heads)
    }
}
