//! The mean over all positions of a map.

use candle_core::{Result, Tensor};

use super::{Primitive, one, one_map};
use crate::graph::{Context, Shape};
use crate::ops;

/// Each channel's mean.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalPool;

impl Primitive for GlobalPool {
    fn kind(&self) -> &'static str {
        "GlobalAveragePooling2D"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        one_map(self.kind(), inputs).map(|[_, _, channels]| Shape::vector(channels))
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        ops::global_average_pool(one(inputs)?)
    }
}
