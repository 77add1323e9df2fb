//! Max pooling.

use candle_core::{Result, Tensor};

use super::{Kept, Primitive, one, windows};
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
        windows(self.kind(), &self.0, inputs)
    }

    fn keeps(&self) -> Kept {
        Kept::BOTH
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        ops::max_pool2d(one(inputs)?, &self.0)
    }
}
