//! Losses.

use candle_core::{DType, Result, Tensor};

use super::gpu::{Gpu, Grid, launch, like};
use crate::ops::tape::record;

/// As [`crate::ops::softmax_cross_entropy`], or as [`crate::ops::sigmoid_cross_entropy`] where `sigmoid`; of checked
/// tensors.
pub fn cross_entropy(logits: &Tensor, targets: &Tensor, sigmoid: bool) -> Result<Tensor> {
    let (n, classes) = logits.dims2()?;
    let (logits_kept, targets) = (logits.contiguous()?, targets.contiguous()?);
    let (gpu, dtype) = (Gpu::of(logits)?, Some(logits.dtype()));
    let losses = gpu.uninitialized(&[n], DType::F32)?;
    let grid = Grid::rows(n);
    launch!(
        gpu,
        "cross_entropy",
        dtype,
        grid,
        &logits_kept,
        &targets,
        &losses,
        n,
        classes,
        sigmoid
    );
    record(&[logits], &losses, move |dy| {
        let (gpu, dx) = like(&logits_kept)?;
        let kernel = "cross_entropy_backward";
        launch!(
            gpu,
            kernel,
            dtype,
            grid,
            &dy,
            &logits_kept,
            &targets,
            &dx,
            n,
            classes,
            sigmoid
        );
        Ok(vec![Some(dx)])
    });
    Ok(losses)
}
