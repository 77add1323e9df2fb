//! Layer normalization over the channels.

use candle_core::{Result, Tensor};

use super::{Primitive, TensorOf, one, one_shape};
use crate::graph::{Context, Role, Shape};
use crate::ops;

/// Normalizes the channels of each position.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance.
    pub epsilon: f64,
}

impl Primitive for LayerNorm {
    fn kind(&self) -> &'static str {
        "LayerNormalization"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        one_shape(inputs)
    }

    fn tensors(&self, inputs: &[Shape]) -> Vec<TensorOf> {
        let channels = inputs.first().map_or(0, Shape::channels);
        vec![
            ("weight", Role::Gamma, vec![channels]),
            ("bias", Role::Beta, vec![channels]),
        ]
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        let (gamma, beta) = (context.tensor("weight")?, context.tensor("bias")?);
        ops::layer_norm(one(inputs)?, gamma, beta, self.epsilon)
    }
}
