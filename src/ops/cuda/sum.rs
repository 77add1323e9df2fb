//! Sums of two tensors.

use candle_core::{Result, Tensor, bail};

use super::gpu::{Gpu, Grid, launch};

/// The sum of two contiguous tensors, not recorded.
///
/// # Errors
/// Tensors of other shapes or types, or what the GPU reports.
pub fn sum_of_two(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    added(a, b, false)
}

/// `a + b` of contiguous tensors, not recorded, and ReLU where asked for.
///
/// # Errors
/// As [`sum_of_two`].
pub fn added(a: &Tensor, b: &Tensor, relu: bool) -> Result<Tensor> {
    if a.shape() != b.shape() || a.dtype() != b.dtype() {
        bail!("{:?} and {:?} cannot be added", a.shape(), b.shape());
    }
    let gpu = Gpu::of(a)?;
    let y = gpu.like(a)?;
    let n = y.elem_count();
    launch!(
        gpu,
        "add",
        Some(y.dtype()),
        Grid::values(n / 8),
        a,
        b,
        &y,
        n,
        relu
    );
    Ok(y)
}
