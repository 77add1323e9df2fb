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

/// The mean of `values × weights` (1 where there are none), a scalar.
pub fn weighted_mean(values: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    let n = values.elem_count();
    let mean = match weights {
        Some(weights) => (values * weights)?.mean_all()?,
        None => values.mean_all()?,
    };
    let weights = weights.cloned();
    record(&[values], &mean, move |dy| {
        let each = dy.affine(1.0 / n as f64, 0.0)?.broadcast_as(n)?;
        let each = match weights {
            Some(weights) => (each * weights)?,
            None => each.contiguous()?,
        };
        Ok(vec![Some(each)])
    });
    Ok(mean)
}

/// `a × share + b × (1 - share)`.
pub fn blend(a: &Tensor, b: &Tensor, share: f64) -> Result<Tensor> {
    let y = ((a * share)? + (b * (1.0 - share))?)?;
    record(&[a, b], &y, move |dy| {
        Ok(vec![Some((&dy * share)?), Some((dy * (1.0 - share))?)])
    });
    Ok(y)
}
