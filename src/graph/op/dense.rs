//! A fully connected layer.

use candle_core::{Result, Tensor};

use super::{Primitive, TensorOf, one, one_shape, product};
use crate::graph::{Context, Role, Shape};
use crate::ops::{self, Epilogue, Passes, Scratch};

/// A product with a matrix, and a bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Values that it gives.
    pub units: usize,
    /// Whether it is applied to each position of a map or each token, rather than to a vector.
    pub each: bool,
}

impl Dense {
    /// Of a vector.
    pub const fn new(units: usize) -> Self {
        Dense { units, each: false }
    }

    /// Of each position of a map, or of each token.
    pub const fn each(units: usize) -> Self {
        Dense { units, each: true }
    }

    /// The layer, and ReLU in the same step where `relu`.
    ///
    /// # Errors
    /// As [`ops::dense`].
    pub fn apply(&self, x: &Tensor, context: &Context<'_>, relu: bool) -> Result<Tensor> {
        let (kernel, bias) = (context.tensor("weight")?, context.tensor("bias")?);
        ops::dense(x, kernel, Some(bias), relu, context.products())
    }

    /// The layer and what follows it, untracked and on a CPU.
    ///
    /// # Errors
    /// As [`ops::dense_finished`].
    pub fn finish(&self, x: &Tensor, context: &Context<'_>, epilogue: Epilogue) -> Result<Tensor> {
        let epilogue = Epilogue {
            bias: Some(context.tensor("bias")?.clone()),
            ..epilogue
        };
        ops::dense_finished(x, context.tensor("weight")?, &epilogue, context.products())
    }
}

impl Primitive for Dense {
    fn kind(&self) -> &'static str {
        "Dense"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        match one_shape(inputs)? {
            Shape::Vector { .. } => Ok(Shape::vector(self.units)),
            Shape::Tokens { count, .. } if self.each => Ok(Shape::Tokens {
                count,
                channels: self.units,
            }),
            Shape::Map { height, width, .. } if self.each => Ok(Shape::Map {
                height,
                width,
                channels: self.units,
            }),
            map => Err(format!(
                "a dense layer needs a vector, not {map}; put a flatten or global_average_pooling \
                 layer before it"
            )),
        }
    }

    fn tensors(&self, inputs: &[Shape]) -> Vec<TensorOf> {
        let input = inputs.first().copied().unwrap_or(Shape::vector(0));
        let [h, w, c] = input.flattened().unwrap_or([1, 1, input.channels()]);
        let kernel = Role::Kernel { dense: true };
        vec![
            ("weight", kernel, vec![h, w, c, self.units]),
            ("bias", Role::Bias, vec![self.units]),
        ]
    }

    fn multiplications(&self, inputs: &[Shape], _: Shape) -> u64 {
        product(&[inputs.first().map_or(0, Shape::elements), self.units])
    }

    fn scratch(&self, samples: usize, inputs: &[Shape], passes: Passes) -> Scratch {
        let x = match inputs {
            &[Shape::Tokens { count, channels }] => vec![samples, count, channels],
            [map @ Shape::Map { .. }] if self.each => vec![samples, map.places(), map.channels()],
            [other] => vec![samples, other.elements()],
            _ => return Scratch::default(),
        };
        ops::dense_scratch(&x, self.units, passes)
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        self.apply(one(inputs)?, context, false)
    }
}
