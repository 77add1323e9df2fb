//! A fully connected layer.

use candle_core::{Result, Tensor};

use super::{Primitive, TensorOf, one, one_shape, product};
use crate::graph::{Context, Role, Shape};
use crate::ops;

/// A product with a matrix, and a bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Values that it gives.
    pub units: usize,
}

impl Dense {
    /// The layer, and ReLU in the same step where `relu`.
    ///
    /// # Errors
    /// As [`ops::dense`].
    pub fn apply(&self, x: &Tensor, context: &Context<'_>, relu: bool) -> Result<Tensor> {
        let (kernel, bias) = (context.tensor("weight")?, context.tensor("bias")?);
        ops::dense(x, kernel, Some(bias), relu)
    }
}

impl Primitive for Dense {
    fn kind(&self) -> &'static str {
        "Dense"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        match one_shape(inputs)? {
            Shape::Vector { .. } => Ok(Shape::vector(self.units)),
            map => Err(format!(
                "a dense layer needs a vector, not {map}; put a flatten or global_average_pooling \
                 layer before it"
            )),
        }
    }

    fn tensors(&self, inputs: &[Shape]) -> Vec<TensorOf> {
        let input = inputs.first().copied().unwrap_or(Shape::vector(0));
        let [h, w, c] = input.flattened().unwrap_or([1, 1, input.elements()]);
        let kernel = Role::Kernel { dense: true };
        vec![
            ("weight", kernel, vec![h, w, c, self.units]),
            ("bias", Role::Bias, vec![self.units]),
        ]
    }

    fn multiplications(&self, inputs: &[Shape], _: Shape) -> u64 {
        product(&[inputs.first().map_or(0, Shape::elements), self.units])
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        self.apply(one(inputs)?, context, false)
    }
}
