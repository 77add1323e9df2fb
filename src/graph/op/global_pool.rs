//! The mean over all positions of a map.

use candle_core::{Result, Tensor};

use super::{Kept, Primitive, one, one_map};
use crate::graph::{Context, Shape};
use crate::ops;

/// Each channel's mean.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalPool {
    /// Whether it gives a map of one position rather than a vector.
    pub keep: bool,
}

impl Primitive for GlobalPool {
    fn kind(&self) -> &'static str {
        "GlobalAveragePooling2D"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        let [_, _, channels] = one_map(self.kind(), inputs)?;
        Ok(if self.keep {
            Shape::square(1, channels)
        } else {
            Shape::vector(channels)
        })
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        let means = ops::global_average_pool(one(inputs)?)?;
        if self.keep {
            let (n, c) = means.dims2()?;
            ops::reshape(&means, &[n, 1, 1, c])
        } else {
            Ok(means)
        }
    }
}
