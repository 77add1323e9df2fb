//! With the batch's own statistics.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{channels, gradient_sums};
use crate::ops::cpu::{by_row_chunks, row_sums, tensor_like, values, with_values};

/// What [`batch_norm`] gives.
pub struct BatchNorm {
    /// The normalized values, in the shape of the input.
    pub y: Tensor,
    /// The mean of each channel, `[c]`, without gradient.
    pub mean: Tensor,
    /// The population variance (over n, not n - 1) of each channel, `[c]`, without gradient.
    pub variance: Tensor,
}

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, mean and variance those of the batch for each channel.
///
/// `x` is `[n, c]` or `[n, h, w, c]`, `gamma` and `beta` are `[c]`. Gradients go through the statistics.
///
/// # Errors
/// Shapes that do not fit, a type other than f32, no elements.
pub fn batch_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64) -> Result<BatchNorm> {
    let c = channels(x, &[("gamma", gamma), ("beta", beta)])?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        let [y, mean, variance] = cuda::batch_norm(x, gamma, beta, epsilon, false)?;
        return Ok(BatchNorm { y, mean, variance });
    }
    if !x.device().is_cpu() {
        return composition(x, gamma, beta, epsilon);
    }
    let x = x.contiguous()?;
    let (mean, variance) = with_values(&x, |x| Ok(statistics(x, c)))?;
    let scale = |v: &f64| (1.0 / (v + epsilon).sqrt()) as f32;
    let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let op = NormalizeOp {
        mean: single(&mean),
        scale: variance.iter().map(scale).collect(),
    };
    Ok(BatchNorm {
        mean: Tensor::from_vec(single(&mean), c, x.device())?,
        variance: Tensor::from_vec(single(&variance), c, x.device())?,
        y: x.apply_op3(&gamma.contiguous()?, &beta.contiguous()?, op)?,
    })
}

/// As [`batch_norm`], of checked tensors, by candle's own operations.
pub(super) fn composition(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> Result<BatchNorm> {
    let c = gamma.elem_count();
    let rows = x.contiguous()?.reshape(((), c))?;
    let mean = rows.mean_keepdim(0)?;
    let centered = rows.broadcast_sub(&mean)?;
    let variance = centered.sqr()?.mean_keepdim(0)?;
    let y = centered
        .broadcast_div(&(&variance + epsilon)?.sqrt()?)?
        .broadcast_mul(gamma)?
        .broadcast_add(beta)?;
    Ok(BatchNorm {
        y: y.reshape(x.shape())?,
        mean: mean.flatten_all()?.detach(),
        variance: variance.flatten_all()?.detach(),
    })
}

/// Mean and population variance of each of `c` channels, in two passes.
fn statistics(x: &[f32], c: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = x.len() / c;
    let per_row = |total: f64| total / rows as f64;
    let mean: Vec<f64> = row_sums(
        rows,
        c,
        #[inline(always)]
        |rows, sums| {
            for row in x[rows.start * c..rows.end * c].chunks_exact(c) {
                let terms = row.iter().map(|v| f64::from(*v));
                sums.iter_mut().zip(terms).for_each(|(s, v)| *s += v);
            }
        },
    )
    .into_iter()
    .map(per_row)
    .collect();
    let variance = row_sums(
        rows,
        c,
        #[inline(always)]
        |rows, sums| {
            for row in x[rows.start * c..rows.end * c].chunks_exact(c) {
                let terms = row.iter().zip(&mean).map(|(v, m)| f64::from(*v) - m);
                sums.iter_mut().zip(terms).for_each(|(s, v)| *s += v * v);
            }
        },
    )
    .into_iter()
    .map(per_row)
    .collect();
    (mean, variance)
}

struct NormalizeOp {
    mean: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    scale: Vec<f32>,
}

impl CustomOp3 for NormalizeOp {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gamma: &CpuStorage,
        gamma_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = values(x, x_layout)?;
        let gamma = values(gamma, gamma_layout)?;
        let beta = values(beta, beta_layout)?;
        let c = gamma.len();
        let factor: Vec<f32> = gamma.iter().zip(&self.scale).map(|(g, s)| g * s).collect();
        let (mean, factor) = (&self.mean[..c], &factor[..c]);
        let y = by_row_chunks(
            x.len(),
            c,
            #[inline(always)]
            |start, y| {
                for (y, x) in y.chunks_exact_mut(c).zip(x[start..].chunks_exact(c)) {
                    for i in 0..c {
                        y[i] = (x[i] - mean[i]) * factor[i] + beta[i];
                    }
                }
            },
        );
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let c = gamma.elem_count();
        let sums = with_values(x, |x| with_values(&dy, |dy| Ok(self.sums(x, dy, c))))?;
        let (dbeta, dgamma) = sums.split_at(c);
        let channel = |tensor: &Tensor, values: &[f64]| {
            let values = values.iter().map(|v| *v as f32).collect();
            tensor
                .track_op()
                .then(|| tensor_like(values, tensor))
                .transpose()
        };
        let dx = x.track_op().then(|| {
            let dx = with_values(x, |x| {
                with_values(&dy, |dy| {
                    with_values(gamma, |gamma| {
                        Ok(self.input_gradient(x, dy, gamma, dbeta, dgamma))
                    })
                })
            })?;
            tensor_like(dx, x)
        });
        Ok((
            dx.transpose()?,
            channel(gamma, dgamma)?,
            channel(beta, dbeta)?,
        ))
    }
}

impl NormalizeOp {
    /// For each channel the sum of `dy`, then for each the sum of `dy` × the normalized x.
    fn sums(&self, x: &[f32], dy: &[f32], c: usize) -> Vec<f64> {
        let (mean, scale) = (&self.mean[..c], &self.scale[..c]);
        gradient_sums(
            x,
            dy,
            c,
            #[inline(always)]
            |x, i| (x - mean[i]) * scale[i],
        )
    }

    /// `gamma * scale * (dy - mean(dy) - normalized * mean(dy * normalized))`, from Ioffe and Szegedy's paper
    /// (arXiv:1502.03167, section 3), simplified.
    fn input_gradient(
        &self,
        x: &[f32],
        dy: &[f32],
        gamma: &[f32],
        dbeta: &[f64],
        dgamma: &[f64],
    ) -> Vec<f32> {
        let c = gamma.len();
        let rows = (x.len() / c) as f64;
        let factor: Vec<f32> = gamma.iter().zip(&self.scale).map(|(g, s)| g * s).collect();
        let plain: Vec<f32> = dbeta.iter().map(|s| (s / rows) as f32).collect();
        let weighted: Vec<f32> = dgamma
            .iter()
            .zip(&self.scale)
            .map(|(s, scale)| (s / rows) as f32 * scale)
            .collect();
        let (mean, factor) = (&self.mean[..c], &factor[..c]);
        let (plain, weighted) = (&plain[..c], &weighted[..c]);
        by_row_chunks(
            x.len(),
            c,
            #[inline(always)]
            |start, dx| {
                let rows = x[start..].chunks_exact(c).zip(dy[start..].chunks_exact(c));
                for (dx, (x, dy)) in dx.chunks_exact_mut(c).zip(rows) {
                    for i in 0..c {
                        let centered = x[i] - mean[i];
                        dx[i] = factor[i] * (dy[i] - plain[i] - centered * weighted[i]);
                    }
                }
            },
        )
    }
}
