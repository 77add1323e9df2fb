//! Batch normalization.

use candle_core::{DType, Result, Tensor};

use super::columns::Parts;
use super::gpu::{Gpu, Grid, launch, like};
use crate::ops::tape::{is_wanted, record};

/// Mean, and `1 / sqrt(variance + epsilon)`, of each channel, f32.
#[derive(Clone)]
struct Statistics {
    mean: Tensor,
    rstd: Tensor,
}

/// What follows the normalized values.
struct Affine {
    gamma: Tensor,
    beta: Tensor,
    relu: bool,
}

/// As [`crate::ops::batch_norm`], of checked tensors, and ReLU where asked for: the result, the means and the variances.
pub fn batch_norm(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    relu: bool,
) -> Result<[Tensor; 3]> {
    let kept = x.contiguous()?;
    let (gpu, of) = (Gpu::of(x)?, Parts::of(x));
    let channel = || gpu.uninitialized(&[of.channels], DType::F32);
    let (shift, mean, variance, rstd) = (channel()?, channel()?, channel()?, channel()?);
    let partial = of.partial(&gpu, 2)?;
    let (dtype, c) = (Some(x.dtype()), of.channels);
    launch!(gpu, "first_row", dtype, Grid::values(c), &kept, &shift, c);
    launch!(
        gpu,
        "column_moments",
        dtype,
        of.grid,
        &kept,
        &shift,
        of.rows,
        c,
        of.parts,
        &partial
    );
    launch!(
        gpu,
        "moments",
        None,
        of.totals_grid(),
        &partial,
        of.parts,
        c,
        of.rows,
        &shift,
        epsilon as f32,
        &mean,
        &variance,
        &rstd
    );
    let statistics = Statistics {
        mean: mean.clone(),
        rstd,
    };
    let affine = Affine {
        gamma: gamma.clone(),
        beta: beta.clone(),
        relu,
    };
    let y = normalize(&kept, &statistics, &affine)?;
    let wanted = [x, gamma, beta].map(is_wanted);
    record(&[x, gamma, beta], &y, move |dy| {
        let sums = gradient_sums(&dy, &kept, &statistics, &affine)?;
        let dx = wanted[0].then(|| {
            let (gpu, dx) = like(&kept)?;
            let (n, dtype) = (dx.elem_count(), Some(dx.dtype()));
            let Statistics { mean, rstd } = &statistics;
            launch!(
                gpu,
                "normalize_backward",
                dtype,
                Grid::values(n / 8),
                &dy,
                &kept,
                mean,
                rstd,
                &affine.gamma,
                &affine.beta,
                &sums,
                &dx,
                n,
                c,
                relu
            );
            Ok::<_, candle_core::Error>(dx)
        });
        Ok(vec![
            dx.transpose()?,
            Some(sums.get(1)?),
            Some(sums.get(0)?),
        ])
    });
    Ok([y, mean, variance])
}

/// As [`crate::ops::batch_norm_inference`], of checked tensors.
pub fn batch_norm_inference(
    x: &Tensor,
    [gamma, beta, mean, variance]: [&Tensor; 4],
    epsilon: f64,
    relu: bool,
) -> Result<Tensor> {
    let kept = x.contiguous()?;
    let gpu = Gpu::of(x)?;
    let c = gamma.elem_count();
    let rstd = gpu.uninitialized(&[c], DType::F32)?;
    launch!(
        gpu,
        "inverse_deviation",
        None,
        Grid::values(c),
        variance,
        epsilon as f32,
        &rstd,
        c
    );
    let statistics = Statistics {
        mean: mean.clone(),
        rstd,
    };
    let affine = Affine {
        gamma: gamma.clone(),
        beta: beta.clone(),
        relu,
    };
    let y = normalize(&kept, &statistics, &affine)?;
    let wanted = [x, gamma, beta].map(is_wanted);
    record(&[x, gamma, beta], &y, move |dy| {
        let dx = wanted[0].then(|| {
            let (gpu, dx) = like(&kept)?;
            let (n, dtype) = (dx.elem_count(), Some(dx.dtype()));
            let grid = Grid::values(n / 8);
            let Statistics { mean, rstd } = &statistics;
            launch!(
                gpu,
                "normalize_given_backward",
                dtype,
                grid,
                &dy,
                &kept,
                mean,
                rstd,
                &affine.gamma,
                &affine.beta,
                &dx,
                n,
                c,
                relu
            );
            Ok::<_, candle_core::Error>(dx)
        });
        let dx = dx.transpose()?;
        if !(wanted[1] || wanted[2]) {
            return Ok(vec![dx, None, None]);
        }
        let sums = gradient_sums(&dy, &kept, &statistics, &affine)?;
        Ok(vec![dx, Some(sums.get(1)?), Some(sums.get(0)?)])
    });
    Ok(y)
}

fn normalize(x: &Tensor, statistics: &Statistics, affine: &Affine) -> Result<Tensor> {
    let (gpu, y) = like(x)?;
    let Affine { gamma, beta, relu } = affine;
    let (n, c) = (x.elem_count(), gamma.elem_count());
    let Statistics { mean, rstd } = statistics;
    let grid = Grid::values(n / 8);
    launch!(
        gpu,
        "normalize",
        Some(x.dtype()),
        grid,
        x,
        mean,
        rstd,
        gamma,
        beta,
        &y,
        n,
        c,
        *relu
    );
    Ok(y)
}

/// The gradients of beta and gamma, `[2, channels]`.
fn gradient_sums(
    dy: &Tensor,
    x: &Tensor,
    statistics: &Statistics,
    affine: &Affine,
) -> Result<Tensor> {
    let Affine { gamma, beta, relu } = affine;
    let (gpu, of) = (Gpu::of(x)?, Parts::of(x));
    let partial = of.partial(&gpu, 2)?;
    let Statistics { mean, rstd } = statistics;
    launch!(
        gpu,
        "column_gradients",
        Some(x.dtype()),
        of.grid,
        dy,
        x,
        mean,
        rstd,
        gamma,
        beta,
        of.rows,
        of.channels,
        of.parts,
        &partial,
        *relu
    );
    of.totals(&gpu, &partial, 2)
}

/// `moving = moving * momentum + batch * (1 - momentum)`, in place.
pub fn move_towards(moving: &Tensor, batch: &Tensor, momentum: f64, scale: f64) -> Result<()> {
    let (gpu, n) = (Gpu::of(moving)?, moving.elem_count());
    let (momentum, rest) = (momentum as f32, ((1.0 - momentum) * scale) as f32);
    launch!(
        gpu,
        "move_towards",
        None,
        Grid::values(n),
        moving,
        batch,
        momentum,
        rest,
        n
    );
    Ok(())
}
