//! 2-D convolution with bias and ReLU, channels last.

mod backward;
mod composition;
mod forward;
mod im2col;
mod shape;

#[cfg(test)]
mod tests;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Tensor};

use super::backward::deliver;
use super::cpu::{check, check_dims, column_sums, tensor_like, values, with_values, zip_map};
use super::matrix::Matrix;
pub(super) use composition::strided;
use forward::Finish;
pub(super) use shape::Shape;

/// How a convolution's kernel moves, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Pixels between two output positions, both ways; at least 1.
    pub stride: usize,
    /// Pixels of zero on each of the four sides.
    pub padding: usize,
    /// Whether ReLU follows.
    pub relu: bool,
}

impl Default for Conv2dConfig {
    fn default() -> Self {
        Conv2dConfig {
            stride: 1,
            padding: 0,
            relu: false,
        }
    }
}

/// Convolves `x` `[n, h, w, cin]` with `kernel` `[kh, kw, cin, cout]` (Keras's layout; a cross-correlation,
/// as everywhere in deep learning), adds `bias` `[cout]` and applies ReLU, to `[n, ho, wo, cout]`.
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
    check("conv2d", &[("x", x), ("the kernel", kernel)])?;
    let shape = Shape::new(x.dims(), kernel.dims(), config)?;
    if let Some(bias) = bias {
        check("conv2d", &[("the bias", bias)])?;
        let kernel = ("a kernel", kernel.dims());
        check_dims("conv2d", ("the bias", bias), &[shape.cout], kernel)?;
    }
    if !x.device().is_cpu() {
        return composition::conv2d(x, kernel, bias, config);
    }
    let out = (shape.n, shape.ho, shape.wo, shape.cout);
    ConvolutionOp::apply(x, kernel, bias, shape, out.into(), config.relu)
}

/// The convolution, or the product it is for single pixels, as candle's operation.
pub(super) struct ConvolutionOp {
    shape: Shape,
    out: candle_core::Shape,
    relu: bool,
}

impl ConvolutionOp {
    /// Runs on the CPU; `shape` fits the tensors' element counts, `out` is the result's shape.
    pub fn apply(
        x: &Tensor,
        kernel: &Tensor,
        bias: Option<&Tensor>,
        shape: Shape,
        out: candle_core::Shape,
        relu: bool,
    ) -> Result<Tensor> {
        let bias = match bias {
            Some(bias) => bias.contiguous()?,
            None => Tensor::zeros(shape.cout, x.dtype(), x.device())?,
        };
        let op = ConvolutionOp { shape, out, relu };
        x.contiguous()?.apply_op3(&kernel.contiguous()?, &bias, op)
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
        let kernel = Matrix::new(values(kernel, kernel_layout)?, s.depth(), s.cout);
        let finish = Finish {
            bias: Some(values(bias, bias_layout)?),
            relu: self.relu,
        };
        let out = forward::convolve(s, values(x, x_layout)?, kernel, finish);
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
        let s = &self.shape;
        let mut dy = dy.contiguous()?;
        if self.relu {
            let before_relu = with_values(&dy, |dy| {
                with_values(y, |y| {
                    Ok(zip_map(dy, y, |dy, y| if y > 0.0 { dy } else { 0.0 }))
                })
            })?;
            dy = tensor_like(before_relu, y)?;
        }
        with_values(&dy, |dy| {
            let dbias = bias
                .track_op()
                .then(|| tensor_like(column_sums(dy, s.cout), bias));
            let dkernel = kernel.track_op().then(|| {
                let gradient = with_values(x, |x| Ok(backward::kernel_gradient(s, x, dy)))?;
                tensor_like(gradient, kernel)
            });
            let dx = x.track_op().then(|| {
                let gradient = with_values(kernel, |k| Ok(backward::input_gradient(s, k, dy)))?;
                tensor_like(gradient, x)
            });
            Ok((
                dx.transpose()?,
                dkernel.transpose()?.and_then(|g| deliver(kernel, g)),
                dbias.transpose()?.and_then(|g| deliver(bias, g)),
            ))
        })
    }
}
