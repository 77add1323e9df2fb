//! Average pooling.

use candle_core::{Result, Tensor};

use super::{Kept, Primitive, one, windows};
use crate::graph::{Context, Shape};
use crate::ops::{self, Pool2dConfig};

/// The mean of each window, over its pixels inside the image.
#[derive(Clone, Debug, PartialEq)]
pub struct AveragePool(pub Pool2dConfig);

impl Primitive for AveragePool {
    fn kind(&self) -> &'static str {
        "AveragePooling2D"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        windows(self.kind(), &self.0, inputs)
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        ops::average_pool2d(one(inputs)?, &self.0)
    }
}
