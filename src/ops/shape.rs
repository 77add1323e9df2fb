//! The same values in another shape or type, beside others, or added to them.

use candle_core::{DType, Result, Tensor};

#[cfg(feature = "cuda")]
use super::cuda;
use super::relu::relu;

/// `a + b`, of the same shape, and ReLU behind it where asked for, at once where the device can.
///
/// # Errors
/// Shapes that differ.
pub fn add(a: &Tensor, b: &Tensor, with_relu: bool) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if a.device().is_cuda() {
        return cuda::add(a, b, with_relu);
    }
    let sum = (a + b)?;
    if with_relu { relu(&sum) } else { Ok(sum) }
}

/// The values of `x` in the shape `dims`.
///
/// # Errors
/// Another number of values.
pub fn reshape(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::reshape(x, dims);
    }
    x.reshape(dims)
}

/// The values of `x` as f32, or as bf16 on a GPU.
///
/// # Errors
/// What the device reports.
pub fn to_dtype(x: &Tensor, dtype: DType) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::to_dtype(x, dtype);
    }
    x.to_dtype(dtype)
}

/// `tokens` `[n, t, c]` behind the token `class` `[1, 1, c]`, plus `positions` `[1, t + 1, c]`, to `[n, t + 1, c]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn embed(tokens: &Tensor, class: &Tensor, positions: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if tokens.device().is_cuda() {
        return cuda::embed(tokens, class, positions);
    }
    let (n, _, c) = tokens.dims3()?;
    let class = class.broadcast_as((n, 1, c))?.contiguous()?;
    Tensor::cat(&[&class, tokens], 1)?.broadcast_add(positions)
}

/// The first token of `x` `[n, t, c]`, `[n, c]`.
///
/// # Errors
/// Another number of dimensions.
pub fn first_token(x: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::first_token(x);
    }
    x.narrow(1, 0, 1)?.squeeze(1)
}
