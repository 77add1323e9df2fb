//! What a convolution or a dense layer ends with: a bias, and perhaps ReLU.

use candle_core::{Result, Tensor};

use super::columns::{self, Parts};
use super::elementwise::{RELU, relu_backward};
use super::gpu::{Gpu, Grid, launch};

/// Adds a `bias` `[channels]` to a contiguous `y` in place, and applies ReLU where asked for.
pub fn finish(y: &Tensor, bias: Option<&Tensor>, relu: bool) -> Result<()> {
    let gpu = Gpu::of(y)?;
    let (n, dtype) = (y.elem_count(), Some(y.dtype()));
    let grid = Grid::values(n / 8);
    match bias {
        Some(bias) => {
            let bias = bias.contiguous()?;
            launch!(
                gpu,
                "bias",
                dtype,
                grid,
                y,
                &bias,
                n,
                bias.elem_count(),
                relu
            );
        }
        None if relu => launch!(gpu, "activation", dtype, grid, y, y, n, RELU),
        None => {}
    }
    Ok(())
}

/// The gradient before a ReLU that gave `y`, in its shape and type, and its [`sums`].
pub fn relu_backward_sums(dy: &Tensor, y: &Tensor) -> Result<(Tensor, Tensor)> {
    let (gpu, of) = (Gpu::of(y)?, Parts::of(y));
    let (dx, partial) = (gpu.like(y)?, of.partial(&gpu, 1)?);
    let dtype = Some(y.dtype());
    launch!(
        gpu,
        "relu_backward_sums",
        dtype,
        of.grid,
        dy,
        y,
        &dx,
        of.rows,
        of.channels,
        of.parts,
        &partial
    );
    Ok((dx, of.totals(&gpu, &partial, 1)?.flatten_all()?))
}

/// The gradient of what came before a bias and perhaps a ReLU that gave `y`, and that of the bias where it is wanted.
pub fn finish_backward(
    dy: Tensor,
    y: Option<&Tensor>,
    bias: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    Ok(match (y, bias) {
        (Some(y), true) => {
            let (dx, sums) = relu_backward_sums(&dy, y)?;
            (dx, Some(sums))
        }
        (Some(y), false) => (relu_backward(&dy, y)?, None),
        (None, true) => {
            let sums = columns::sums(&dy)?;
            (dy, Some(sums))
        }
        (None, false) => (dy, None),
    })
}
