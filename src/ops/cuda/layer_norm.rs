//! Layer normalization.

use candle_core::{DType, Result, Tensor};

use super::columns::Parts;
use super::gpu::{Gpu, Grid, launch, like};
use crate::ops::tape::{is_wanted, record};

/// As [`crate::ops::layer_norm`], of checked tensors.
pub fn layer_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64) -> Result<Tensor> {
    let kept = x.contiguous()?;
    let (gpu, y) = like(&kept)?;
    let c = gamma.elem_count();
    let rows = x.elem_count() / c;
    let (mean, rstd) = (
        gpu.uninitialized(&[rows], DType::F32)?,
        gpu.uninitialized(&[rows], DType::F32)?,
    );
    let dtype = Some(x.dtype());
    launch!(
        gpu,
        "layer_norm",
        dtype,
        Grid::rows(rows),
        &kept,
        gamma,
        beta,
        &y,
        &mean,
        &rstd,
        rows,
        c,
        epsilon as f32
    );
    let (gamma_kept, wanted) = (gamma.clone(), [x, gamma, beta].map(is_wanted));
    record(&[x, gamma, beta], &y, move |dy| {
        let gpu = Gpu::of(&kept)?;
        let dx = wanted[0].then(|| {
            let dx = gpu.like(&kept)?;
            launch!(
                gpu,
                "layer_norm_backward",
                dtype,
                Grid::rows(rows),
                &dy,
                &kept,
                &gamma_kept,
                &mean,
                &rstd,
                &dx,
                rows,
                c
            );
            Ok::<_, candle_core::Error>(dx)
        });
        let dx = dx.transpose()?;
        if !(wanted[1] || wanted[2]) {
            return Ok(vec![dx, None, None]);
        }
        let of = Parts::of(&kept);
        let partial = of.partial(&gpu, 2)?;
        launch!(
            gpu,
            "row_gradients",
            dtype,
            of.grid,
            &dy,
            &kept,
            &mean,
            &rstd,
            of.rows,
            c,
            of.parts,
            &partial
        );
        let sums = of.totals(&gpu, &partial, 2)?;
        Ok(vec![dx, Some(sums.get(1)?), Some(sums.get(0)?)])
    });
    Ok(y)
}
