//! The convolution by candle's own differentiable operations, for devices without a kernel of ours.

use candle_core::{Result, Tensor};

use super::config::Conv2dConfig;
use super::shape::Shape;
use crate::ops::activation::{self, Function};

/// As [`super::conv2d`], of checked tensors: one matrix product for each tap of the kernel, because candle's
/// own `conv2d` has its channels first.
pub(super) fn conv2d(
    x: &Tensor,
    kernel: &Tensor,
    bias: Option<&Tensor>,
    config: &Conv2dConfig,
) -> Result<Tensor> {
    let stride = config.stride;
    let shape = Shape::new(x.dims(), kernel.dims(), config)?;
    let Shape {
        n,
        h,
        w,
        cin,
        kh,
        kw,
        cout,
        ho,
        wo,
        groups,
        ..
    } = shape;
    if groups > 1 {
        return in_groups(x, kernel, bias, config, groups);
    }
    let [top, left] = shape.padding;
    let after = |out: usize, before: usize, size: usize, taps: usize| {
        ((out - 1) * stride + taps).saturating_sub(size + before)
    };
    let padded = x
        .pad_with_zeros(1, top, after(ho, top, h, kh))?
        .pad_with_zeros(2, left, after(wo, left, w, kw))?;
    let mut sum: Option<Tensor> = None;
    for ky in 0..kh {
        for kx in 0..kw {
            let seen = strided(&strided(&padded, 1, ky, ho, stride)?, 2, kx, wo, stride)?
                .contiguous()?
                .reshape((n * ho * wo, cin))?;
            let tap = kernel.narrow(0, ky, 1)?.narrow(1, kx, 1)?;
            let product = seen.matmul(&tap.contiguous()?.reshape((cin, cout))?)?;
            sum = Some(match sum {
                Some(sum) => (sum + product)?,
                None => product,
            });
        }
    }
    let mut y = match (sum, bias) {
        (Some(sum), Some(bias)) => sum.broadcast_add(bias)?,
        (Some(sum), None) => sum,
        (None, _) => candle_core::bail!("conv2d: the kernel has no taps"),
    };
    if config.relu {
        y = activation::composition(&y, Function::Relu)?;
    }
    y.reshape((n, ho, wo, cout))
}

/// Each part of the channels by itself.
fn in_groups(
    x: &Tensor,
    kernel: &Tensor,
    bias: Option<&Tensor>,
    config: &Conv2dConfig,
    groups: usize,
) -> Result<Tensor> {
    let (cin, cout) = (x.dim(3)? / groups, kernel.dim(3)? / groups);
    let group = |i: usize| {
        let kernel = kernel.narrow(3, i * cout, cout)?.contiguous()?;
        let bias = bias
            .map(|bias| bias.narrow(0, i * cout, cout))
            .transpose()?;
        let x = x.narrow(3, i * cin, cin)?.contiguous()?;
        conv2d(&x, &kernel, bias.as_ref(), config)
    };
    let parts: Vec<Tensor> = (0..groups).map(group).collect::<Result<_>>()?;
    Tensor::cat(&parts, 3)
}

/// Elements `start`, `start + stride`, … (`count` of them) of a dimension.
pub(in crate::ops) fn strided(
    x: &Tensor,
    dim: usize,
    start: usize,
    count: usize,
    stride: usize,
) -> Result<Tensor> {
    if stride == 1 {
        return x.narrow(dim, start, count);
    }
    let wanted: Vec<u32> = (0..count).map(|i| (start + i * stride) as u32).collect();
    let wanted = Tensor::new(wanted, x.device())?;
    x.contiguous()?.index_select(&wanted, dim)
}
