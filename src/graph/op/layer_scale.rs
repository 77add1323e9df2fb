//! Layer scale.

use candle_core::{Result, Tensor};

use super::{Primitive, TensorOf, one, one_shape};
use crate::graph::{Context, Role, Shape};
use crate::ops;

/// Each channel times a trained factor.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerScale {
    /// What the factors start with, in millionths.
    pub initial: u32,
}

impl Primitive for LayerScale {
    fn kind(&self) -> &'static str {
        "LayerScale"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        one_shape(inputs)
    }

    fn tensors(&self, inputs: &[Shape]) -> Vec<TensorOf> {
        let channels = inputs.first().map_or(0, Shape::channels);
        vec![(
            "gamma",
            Role::LayerScale {
                initial: self.initial,
            },
            vec![channels],
        )]
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        ops::scale(one(inputs)?, context.tensor("gamma")?)
    }
}
