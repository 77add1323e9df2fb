//! 2-D convolution.

use candle_core::{Result, Tensor};

use super::{Primitive, TensorOf, one, one_map, product, too_small};
use crate::graph::{Context, Role, Shape};
use crate::ops::{self, Conv2dConfig, Epilogue, Finished, Padding, Passes, Products, Scratch};

/// A square kernel over a padded map.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Channels that it gives.
    pub filters: usize,
    /// Side of the kernel.
    pub size: usize,
    /// Pixels between two output positions, at least 1.
    pub stride: usize,
    pub padding: Padding,
    /// Parts of the channels that are convolved apart; divides those of the input and the filters.
    pub groups: usize,
    /// Whether something is added to each channel.
    pub bias: bool,
}

impl Convolution {
    /// Of this many filters with bias, at every position, without padding.
    pub fn new(filters: usize, size: usize) -> Self {
        Convolution {
            filters,
            size,
            stride: 1,
            padding: Padding::Each(0),
            groups: 1,
            bias: true,
        }
    }

    /// Of this many filters without bias, padded by half the kernel.
    pub fn padded(filters: usize, size: usize, stride: usize) -> Self {
        Convolution {
            stride,
            padding: Padding::Each(size / 2),
            bias: false,
            ..Convolution::new(filters, size)
        }
    }

    /// What the kernel is called with.
    fn config(&self, relu: bool, products: Products) -> Conv2dConfig {
        Conv2dConfig {
            stride: self.stride,
            padding: self.padding,
            relu,
            products,
        }
    }

    /// The convolution, and ReLU in the same step where `relu`.
    ///
    /// # Errors
    /// As [`ops::conv2d`].
    pub fn apply(&self, x: &Tensor, context: &Context<'_>, relu: bool) -> Result<Tensor> {
        let kernel = context.tensor("weight")?;
        let bias = self.bias.then(|| context.tensor("bias")).transpose()?;
        ops::conv2d(x, kernel, bias, &self.config(relu, context.products()))
    }

    /// The convolution and what follows it, untracked and on a CPU.
    ///
    /// # Errors
    /// As [`ops::conv2d_finished`].
    pub fn finish(&self, x: &Tensor, context: &Context<'_>, epilogue: Epilogue) -> Result<Tensor> {
        let finished = self.finished(context, epilogue)?;
        ops::conv2d_finished(x, finished.kernel, &finished.config, &finished.epilogue)
    }

    /// Itself and what follows it.
    ///
    /// # Errors
    /// A tensor that is missing.
    pub fn finished<'a>(&self, context: &Context<'a>, epilogue: Epilogue) -> Result<Finished<'a>> {
        let bias = self.bias.then(|| context.tensor("bias").cloned());
        let epilogue = Epilogue {
            bias: bias.transpose()?,
            ..epilogue
        };
        Ok(Finished {
            kernel: context.tensor("weight")?,
            config: self.config(false, context.products()),
            epilogue,
        })
    }

    /// Whether it goes pixel by pixel.
    pub fn is_pointwise(&self) -> bool {
        self.size == 1 && self.stride == 1 && self.groups == 1
    }

    /// Whether every channel has a kernel of its own.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.filters
    }
}

impl Primitive for Convolution {
    fn kind(&self) -> &'static str {
        match self.is_depthwise() {
            true => "DepthwiseConv2D",
            false => "Conv2D",
        }
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        let [height, width, channels] = one_map(self.kind(), inputs)?;
        let input = Shape::Map {
            height,
            width,
            channels,
        };
        if self.groups == 0
            || !channels.is_multiple_of(self.groups)
            || !self.filters.is_multiple_of(self.groups)
        {
            return Err(format!(
                "{channels} channels and {} filters cannot be divided into {} groups",
                self.filters, self.groups
            ));
        }
        let side = |n: usize| {
            let outputs = self.padding.along(n, self.size, self.stride);
            outputs
                .map(|(_, outputs)| outputs)
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
        let depth = input / self.groups.max(1);
        let extent = vec![self.size, self.size, depth, self.filters];
        let kernel = ("weight", Role::Kernel { dense: false }, extent);
        let bias = ("bias", Role::Bias, vec![self.filters]);
        std::iter::once(kernel)
            .chain(self.bias.then_some(bias))
            .collect()
    }

    fn multiplications(&self, inputs: &[Shape], output: Shape) -> u64 {
        let input = inputs.first().map_or(0, Shape::channels);
        let depth = input / self.groups.max(1);
        product(&[output.places(), self.size, self.size, depth, self.filters])
    }

    fn scratch(&self, samples: usize, inputs: &[Shape], passes: Passes) -> Scratch {
        let &[
            Shape::Map {
                height,
                width,
                channels,
            },
        ] = inputs
        else {
            return Scratch::default();
        };
        let depth = channels / self.groups.max(1);
        let (x, kernel) = (
            [samples, height, width, channels],
            [self.size, self.size, depth, self.filters],
        );
        ops::conv2d_scratch(x, kernel, &self.config(false, Products::F32), passes)
            .unwrap_or_default()
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        self.apply(one(inputs)?, context, false)
    }
}
