//! 2-D convolution with a bias.

use candle_core::{Result, Tensor};

use super::{Primitive, TensorOf, one, one_map, product, too_small};
use crate::graph::{Context, Role, Shape};
use crate::ops::{self, Conv2dConfig};

/// A square kernel over a padded map.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Channels that it gives.
    pub filters: usize,
    /// Side of the kernel.
    pub size: usize,
    /// Pixels between two output positions, at least 1.
    pub stride: usize,
    /// Pixels of zero on each side.
    pub padding: usize,
}

impl Convolution {
    /// Of this many filters, at every position, without padding.
    pub fn new(filters: usize, size: usize) -> Self {
        Convolution {
            filters,
            size,
            stride: 1,
            padding: 0,
        }
    }

    /// What the kernel is called with.
    pub fn config(&self, relu: bool) -> Conv2dConfig {
        Conv2dConfig {
            stride: self.stride,
            padding: self.padding,
            relu,
        }
    }

    /// The convolution, and ReLU in the same step where `relu`.
    ///
    /// # Errors
    /// As [`ops::conv2d`].
    pub fn apply(&self, x: &Tensor, context: &Context<'_>, relu: bool) -> Result<Tensor> {
        let (kernel, bias) = (context.tensor("weight")?, context.tensor("bias")?);
        ops::conv2d(x, kernel, Some(bias), &self.config(relu))
    }
}

impl Primitive for Convolution {
    fn kind(&self) -> &'static str {
        "Conv2D"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        let [height, width, channels] = one_map(self.kind(), inputs)?;
        let input = Shape::Map {
            height,
            width,
            channels,
        };
        let side = |n: usize| {
            n.checked_add(2 * self.padding)
                .and_then(|padded| padded.checked_sub(self.size))
                .map(|span| span / self.stride + 1)
                .ok_or_else(|| too_small(self.kind(), input))
        };
        Ok(Shape::Map {
            height: side(height)?,
            width: side(width)?,
            channels: self.filters,
        })
    }

    fn tensors(&self, inputs: &[Shape]) -> Vec<TensorOf> {
        let input = inputs.first().map_or(0, Shape::channels);
        let extent = vec![self.size, self.size, input, self.filters];
        vec![
            ("weight", Role::Kernel { dense: false }, extent),
            ("bias", Role::Bias, vec![self.filters]),
        ]
    }

    fn multiplications(&self, inputs: &[Shape], output: Shape) -> u64 {
        let input = inputs.first().map_or(0, Shape::channels);
        product(&[output.places(), self.size, self.size, input, self.filters])
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        self.apply(one(inputs)?, context, false)
    }
}
