//! 2-D convolution with bias and ReLU, channels last.

mod backward;
mod banded;
mod bands;
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
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Tensor};

use super::backward::deliver;
use super::cpu::{column_sums, keep_where_positive, tensor_like, values, with_values};
use super::scratch::{Passes, Scratch};
pub use banded::{Finished, conv2d_banded};
pub use bands::are_bands_worth;
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

/// What gives the gradients of a convolution on the CPU.
pub(super) fn conv2d_op(
    x: &Tensor,
    kernel: &Tensor,
    bias: &Tensor,
    config: &Conv2dConfig,
) -> Result<ConvolutionOp> {
    let shape = checked(x, kernel, Some(bias), config)?;
    Ok(ConvolutionOp::new(shape, config))
}

/// The convolution, or the product it is for single pixels, as candle's operation.
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
        let bias = match bias {
            Some(bias) => bias.contiguous()?,
            None => Tensor::zeros(self.shape.cout, x.dtype(), x.device())?,
        };
        x.contiguous()?
            .apply_op3(&kernel.contiguous()?, &bias, self)
    }
}

impl CustomOp3 for ConvolutionOp {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        kernel: &CpuStorage,
        kernel_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, candle_core::Shape)> {
        let s = &self.shape;
        let kernel = values(kernel, kernel_layout)?;
        let finish = Finish {
            bias: Some(values(bias, bias_layout)?),
            relu: self.relu,
            ..Finish::default()
        };
        let out = convolve(s, values(x, x_layout)?, kernel, finish);
        Ok((CpuStorage::F32(out), self.out.clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        kernel: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = with_values(&dy.contiguous()?, |dy| Ok(dy.to_vec()))?;
        let wanted = [x, kernel, bias].map(Tensor::track_op);
        let [dx, dkernel, dbias] = self.gradients([x, kernel, y], dy, wanted)?;
        let deliver = |tensor: &Tensor, gradient: Option<Vec<f32>>| {
            let gradient = gradient.map(|values| tensor_like(values, tensor));
            Ok::<_, candle_core::Error>(gradient.transpose()?.and_then(|g| deliver(tensor, g)))
        };
        Ok((
            dx.map(|values| tensor_like(values, x)).transpose()?,
            deliver(kernel, dkernel)?,
            deliver(bias, dbias)?,
        ))
    }
}

/// Of the sizes, what the output was made of beside, and the output's gradient.
type Gradient = fn(&Shape, &[f32], &[f32]) -> Vec<f32>;

impl ConvolutionOp {
    /// The gradients of x, kernel and bias, those that are wanted, from that of the output.
    pub fn gradients(
        &self,
        [x, kernel, y]: [&Tensor; 3],
        mut dy: Vec<f32>,
        [of_x, of_kernel, of_bias]: [bool; 3],
    ) -> Result<[Option<Vec<f32>>; 3]> {
        let s = &self.shape;
        if self.relu {
            with_values(y, |y| {
                keep_where_positive(&mut dy, y);
                Ok(())
            })?;
        }
        let dbias = of_bias.then(|| column_sums(&dy, s.cout));
        let (kernel_gradient, input_gradient): (Gradient, Gradient) = if s.is_depthwise() {
            (depthwise::kernel_gradient, depthwise::input_gradient)
        } else if s.groups > 1 {
            (grouped::kernel_gradient, grouped::input_gradient)
        } else {
            (backward::kernel_gradient, backward::input_gradient)
        };
        let dkernel = of_kernel.then(|| with_values(x, |x| Ok(kernel_gradient(s, x, &dy))));
        let dx = of_x.then(|| with_values(kernel, |kernel| Ok(input_gradient(s, kernel, &dy))));
        Ok([dx.transpose()?, dkernel.transpose()?, dbias])
    }
}
