//! 2-D convolution with bias and ReLU, channels last.

mod backward;
mod banded;
mod bands;
mod beside;
mod composition;
mod config;
mod depthwise;
mod finish;
mod finished;
mod forward;
mod grouped;
mod im2col;
mod indirect;
mod shape;
mod way;
mod winograd;

#[cfg(test)]
mod tests;

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{Result, Tensor};

use super::activation::Function;
use super::cpu::{column_sums, zip_map};
use super::read::made;
use super::scratch::{Passes, Scratch};
use super::tape::{is_wanted, record};
pub use banded::{Finished, conv2d_banded};
pub use bands::are_bands_worth;
pub use beside::conv2d_beside;
pub(super) use composition::strided;
pub use config::{Conv2dConfig, Padding};
use finish::Finish;
pub use finished::{Epilogue, conv2d_finished, dense_finished};
pub(super) use shape::Shape;
pub(super) use way::checked_dense;
use way::{checked, convolve};

/// Convolves `x` `[n, h, w, cin]` with `kernel` `[kh, kw, cin, cout]` (Keras's layout; a cross-correlation,
/// as everywhere in deep learning), adds `bias` `[cout]` and applies ReLU, to `[n, ho, wo, cout]`.
///
/// A kernel `[kh, kw, cin / groups, cout]` convolves in groups: each part of the input channels gives a part of the output
/// channels.
///
/// Gradients are computed only for those of the three that are tracked; ReLU's at 0 is 0.
///
/// # Errors
/// Shapes that do not fit, a type other than f32, no elements, a stride of 0.
pub fn conv2d(
    x: &Tensor,
    kernel: &Tensor,
    bias: Option<&Tensor>,
    config: &Conv2dConfig,
) -> Result<Tensor> {
    let shape = checked(x, kernel, bias, config)?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::conv2d(x, kernel, bias, shape, config.relu);
    }
    if !x.device().is_cpu() {
        return composition::conv2d(x, kernel, bias, config);
    }
    let op = ConvolutionOp::new(shape, config);
    op.apply(x, kernel, bias)
}

/// The scratch memory of [`conv2d`] on the CPU for an input and a kernel of these extents.
///
/// # Errors
/// As [`conv2d`].
pub fn scratch(
    x: [usize; 4],
    kernel: [usize; 4],
    config: &Conv2dConfig,
    passes: Passes,
) -> Result<Scratch> {
    Ok(way::scratch(&Shape::new(&x, &kernel, config)?, passes))
}

/// The scratch memory of [`crate::ops::dense`] on the CPU for an input `[n, …, inputs]`.
pub fn dense_scratch(x: &[usize], outputs: usize, passes: Passes) -> Scratch {
    way::scratch(&Shape::dense(x, outputs), passes)
}

/// The convolution, or the product it is for single pixels, on the CPU.
#[derive(Clone)]
pub(super) struct ConvolutionOp {
    shape: Shape,
    /// The result's shape.
    out: candle_core::Shape,
    relu: bool,
}

impl ConvolutionOp {
    fn new(shape: Shape, config: &Conv2dConfig) -> Self {
        ConvolutionOp {
            shape,
            out: (shape.n, shape.ho, shape.wo, shape.cout).into(),
            relu: config.relu,
        }
    }

    /// The product of `shape`, with a result of the shape `out`.
    pub fn product(shape: Shape, out: &[usize], relu: bool) -> Self {
        ConvolutionOp {
            shape,
            out: out.into(),
            relu,
        }
    }

    /// Runs on the CPU; the tensors fit the shape.
    pub fn apply(self, x: &Tensor, kernel: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let function = self.relu.then_some(Function::Relu);
        let run = |x: &[f32], kernel: &[f32], bias: Option<&[f32]>| {
            let finish = Finish {
                bias,
                function,
                ..Finish::default()
            };
            convolve(&self.shape, x, kernel, finish)
        };
        let out = self.out.clone();
        let y = match bias {
            Some(bias) => made([x, kernel, bias], out, |[x, k, bias]| run(x, k, Some(bias))),
            None => made([x, kernel], out, |[x, k]| run(x, k, None)),
        }?;
        let wanted = [x, kernel].map(is_wanted);
        let of_bias = bias.is_some_and(is_wanted);
        let kept = [x, kernel].map(Tensor::clone);
        // What was cut off by ReLU.
        let y_kept = self.relu.then(|| y.clone());
        record(&[x, kernel, bias.unwrap_or(kernel)], &y, move |dy| {
            let [x, kernel] = &kept;
            let dy = match &y_kept {
                Some(y) => {
                    let cut_off = made([&dy, y], y.shape(), |[dy, y]| {
                        zip_map(dy, y, |dy, y| Function::Relu.gradient(dy, y))
                    })?;
                    drop(dy);
                    cut_off
                }
                None => dy,
            };
            let [dx, dkernel] = self.gradients([x, kernel], &dy, wanted)?;
            let c = self.shape.cout;
            let dbias = of_bias.then(|| made([&dy], c, |[dy]| column_sums(dy, c)));
            Ok(vec![dx, dkernel, dbias.transpose()?])
        });
        Ok(y)
    }

    /// The gradients of x and kernel, those that are wanted, from that of the output before ReLU.
    fn gradients(
        &self,
        [x, kernel]: [&Tensor; 2],
        dy: &Tensor,
        [of_x, of_kernel]: [bool; 2],
    ) -> Result<[Option<Tensor>; 2]> {
        let s = &self.shape;
        let (kernel_gradient, input_gradient): (Gradient, Gradient) = if s.is_depthwise() {
            (depthwise::kernel_gradient, depthwise::input_gradient)
        } else if s.groups > 1 {
            (grouped::kernel_gradient, grouped::input_gradient)
        } else {
            (backward::kernel_gradient, backward::input_gradient)
        };
        let gradient = |of: Gradient| move |[beside, dy]: [&[f32]; 2]| of(s, beside, dy);
        let dkernel = of_kernel.then(|| made([x, dy], kernel.shape(), gradient(kernel_gradient)));
        let dx = of_x.then(|| made([kernel, dy], x.shape(), gradient(input_gradient)));
        Ok([dx.transpose()?, dkernel.transpose()?])
    }
}

/// Of the sizes, what the output was made of beside, and the output's gradient.
type Gradient = fn(&Shape, &[f32], &[f32]) -> Vec<f32>;
