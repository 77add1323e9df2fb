//! The convolution by candle's own differentiable operations, for devices without a kernel of ours.

use candle_core::{Result, Tensor};

use super::Conv2dConfig;
use crate::ops::relu;

/// As [`super::conv2d`], of checked tensors: one matrix product for each tap of the kernel, because candle's
/// own `conv2d` has its channels first.
pub(super) fn conv2d(
    x: &Tensor,
    kernel: &Tensor,
    bias: Option<&Tensor>,
    config: &Conv2dConfig,
) -> Result<Tensor> {
    let &Conv2dConfig {
        stride, padding, ..
    } = config;
    let (n, h, w, cin) = x.dims4()?;
    let (kh, kw, _, cout) = kernel.dims4()?;
    let ho = (h + 2 * padding - kh) / stride + 1;
    let wo = (w + 2 * padding - kw) / stride + 1;
    let padded = x
        .pad_with_zeros(1, padding, padding)?
        .pad_with_zeros(2, padding, padding)?;
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
        y = relu::composition(&y)?;
    }
    y.reshape((n, ho, wo, cout))
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
