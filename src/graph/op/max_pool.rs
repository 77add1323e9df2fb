//! Max pooling.

use candle_core::{Result, Tensor};

use super::{Primitive, one, one_map, too_small};
use crate::graph::{Context, Shape};
use crate::ops::{self, Pool2dConfig};

/// The maximum of each window.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxPool(pub Pool2dConfig);

impl Primitive for MaxPool {
    fn kind(&self) -> &'static str {
        "MaxPooling2D"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        let [height, width, channels] = one_map(self.kind(), inputs)?;
        let input = Shape::Map {
            height,
            width,
            channels,
        };
        let side = |n: usize| {
            let outputs = self.0.outputs(n);
            outputs.ok_or_else(|| too_small(self.kind(), input))
        };
        Ok(Shape::Map {
            height: side(height)?,
            width: side(width)?,
            channels,
        })
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        ops::max_pool2d(one(inputs)?, &self.0)
    }
}
