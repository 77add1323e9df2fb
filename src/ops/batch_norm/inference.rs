//! With given statistics.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{channels, gradient_sums};
use crate::ops::cpu::{by_row_chunks, tensor_like, values, with_values};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with the given statistics, all `[c]`.
///
/// `x` is `[n, c]` or `[n, h, w, c]`. Gradients go to x, gamma and beta, never to the statistics.
///
/// # Errors
/// Shapes that do not fit, a type other than f32, no elements.
pub fn batch_norm_inference(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    let others = [
        ("gamma", gamma),
        ("beta", beta),
        ("the mean", mean),
        ("the variance", variance),
    ];
    channels(x, &others)?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::batch_norm_inference(x, [gamma, beta, mean, variance], epsilon, false);
    }
    let (scale, shift) = scale_and_shift(gamma, beta, mean, variance, epsilon)?;
    if x.device().is_cpu() {
        x.contiguous()?.apply_op3(&scale, &shift, ScaleOp)
    } else {
        composition(x, &scale, &shift)
    }
}

/// [`batch_norm_inference`] as `x * scale + shift`.
///
/// # Errors
/// Shapes that do not fit.
pub fn scale_and_shift(
    gamma: &Tensor,
    beta: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    epsilon: f64,
) -> Result<(Tensor, Tensor)> {
    let deviation = (variance.detach() + epsilon)?.sqrt()?;
    let scale = (gamma / deviation)?.contiguous()?;
    let shift = (beta - (mean.detach() * &scale)?)?.contiguous()?;
    Ok((scale, shift))
}

/// `x * scale + shift` by candle's own operations.
pub(super) fn composition(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    x.broadcast_mul(scale)?.broadcast_add(shift)
}

/// `x * scale + shift`, a scale and a shift for each channel.
struct ScaleOp;

impl CustomOp3 for ScaleOp {
    fn name(&self) -> &'static str {
        "batch_norm_inference"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = values(x, x_layout)?;
        let (scale, shift) = (values(scale, scale_layout)?, values(shift, shift_layout)?);
        let c = scale.len();
        let y = by_row_chunks(
            x.len(),
            c,
            #[inline(always)]
            |start, y| {
                for (y, x) in y.chunks_exact_mut(c).zip(x[start..].chunks_exact(c)) {
                    for i in 0..c {
                        y[i] = x[i] * scale[i] + shift[i];
                    }
                }
            },
        );
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let c = scale.elem_count();
        let dx = x.track_op().then(|| {
            let dx = with_values(&dy, |dy| with_values(scale, |s| Ok(scaled(dy, s))))?;
            tensor_like(dx, x)
        });
        let (mut dscale, mut dshift) = (None, None);
        if scale.track_op() || shift.track_op() {
            let sums = with_values(x, |x| {
                with_values(&dy, |dy| {
                    Ok(gradient_sums(
                        x,
                        dy,
                        c,
                        #[inline(always)]
                        |x, _| x,
                    ))
                })
            })?;
            let (plain, weighted) = sums.split_at(c);
            let channel = |values: &[f64], like: &Tensor| {
                tensor_like(values.iter().map(|v| *v as f32).collect(), like)
            };
            dscale = Some(channel(weighted, scale)?);
            dshift = Some(channel(plain, shift)?);
        }
        Ok((
            dx.transpose()?,
            dscale.filter(|_| scale.track_op()),
            dshift.filter(|_| shift.track_op()),
        ))
    }
}

fn scaled(dy: &[f32], scale: &[f32]) -> Vec<f32> {
    let c = scale.len();
    by_row_chunks(
        dy.len(),
        c,
        #[inline(always)]
        |start, dx| {
            for (dx, dy) in dx.chunks_exact_mut(c).zip(dy[start..].chunks_exact(c)) {
                for i in 0..c {
                    dx[i] = dy[i] * scale[i];
                }
            }
        },
    )
}
