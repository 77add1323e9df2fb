//! With the batch's own statistics.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{Result, Tensor};

use super::behind::{Behind, with_function};
#[cfg(feature = "cuda")]
use super::on_gpu;
use super::{channels, gradient_sums, then};
use crate::ops::activation::Function;
use crate::ops::cpu::{by_row_chunks, row_sums};
use crate::ops::read::{made, read};
use crate::ops::simd::map_row;
use crate::ops::tape::{is_wanted, record};

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
    batch_norm_then(x, gamma, beta, epsilon, None)
}

/// [`batch_norm`] and a function behind it, where there is one, at once where the device can.
///
/// # Errors
/// As [`batch_norm`].
pub fn batch_norm_then(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    function: Option<Function>,
) -> Result<BatchNorm> {
    let c = channels(x, &[("gamma", gamma), ("beta", beta)])?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        let (relu, function) = on_gpu(function);
        let [y, mean, variance] = cuda::batch_norm(x, gamma, beta, epsilon, relu)?;
        let y = then(y, function)?;
        return Ok(BatchNorm { y, mean, variance });
    }
    if !x.device().is_cpu() {
        let found = composition(x, gamma, beta, epsilon)?;
        let y = then(found.y, function)?;
        return Ok(BatchNorm { y, ..found });
    }
    let (mean, variance) = read([x], |[x]| statistics(x, c))?;
    let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let of_channels = |values: &[f64]| Tensor::from_vec(single(values), c, x.device());
    let batch = (of_channels(&mean)?, of_channels(&variance)?);
    let scale = |v: &f64| (1.0 / (v + epsilon).sqrt()) as f32;
    let scale: Vec<f32> = variance.iter().map(scale).collect();
    let op = read([gamma, beta], |[gamma, beta]| Normalization {
        mean: single(&mean),
        factor: gamma.iter().zip(&scale).map(|(g, s)| g * s).collect(),
        scale,
        beta: beta.to_vec(),
    })?;
    let y = made(
        [x],
        x.shape(),
        |[x]| with_function!(function, Of => op.forward::<Of>(x)),
    )?;
    let (kept, of_x) = (x.clone(), is_wanted(x));
    record(&[x, gamma, beta], &y, move |dy| {
        let sums = read(
            [&kept, &dy],
            |[x, dy]| with_function!(function, Of => op.sums::<Of>(x, dy)),
        )?;
        let (dbeta, dgamma) = sums.split_at(c);
        let input_gradient = |[x, dy]: [&[f32]; 2]| {
            let sums = (dbeta, dgamma);
            with_function!(function, Of => op.input_gradient::<Of>(x, dy, sums))
        };
        let dx = of_x.then(|| made([&kept, &dy], kept.shape(), input_gradient));
        let channel = |sums: &[f64]| Tensor::from_vec(single(sums), c, kept.device());
        Ok(vec![
            dx.transpose()?,
            Some(channel(dgamma)?),
            Some(channel(dbeta)?),
        ])
    });
    let (mean, variance) = batch;
    Ok(BatchNorm { y, mean, variance })
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

/// What is done to values, for each channel.
struct Normalization {
    mean: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`
    scale: Vec<f32>,
    beta: Vec<f32>,
    /// `gamma * scale`
    factor: Vec<f32>,
}

impl Normalization {
    /// `F((x - mean) * factor + beta)`
    fn forward<F: Behind>(&self, x: &[f32]) -> Vec<f32> {
        let c = self.beta.len();
        let (mean, factor, beta) = (&self.mean[..c], &self.factor[..c], &self.beta[..c]);
        by_row_chunks(
            x.len(),
            c,
            #[inline(always)]
            |start, y| {
                for (y, x) in y.chunks_exact_mut(c).zip(x[start..].chunks_exact(c)) {
                    map_row!(y, [x, mean, factor, beta] => F::value((x - mean) * factor + beta));
                }
            },
        )
    }

    /// For each channel the sum of the gradients of the normalized values, then for each that of their products with them.
    fn sums<F: Behind>(&self, x: &[f32], dy: &[f32]) -> Vec<f64> {
        let c = self.beta.len();
        let (mean, scale) = (&self.mean[..c], &self.scale[..c]);
        let (factor, beta) = (&self.factor[..c], &self.beta[..c]);
        gradient_sums(
            x,
            dy,
            c,
            #[inline(always)]
            |x, dy, [gradients, normalized]| {
                map_row!(gradients, [x, dy, mean, factor, beta] => F::gradient(dy, (x - mean) * factor + beta));
                map_row!(normalized, [x, mean, scale] => (x - mean) * scale);
            },
        )
    }

    /// `gamma * scale * (dy - mean(dy) - normalized * mean(dy * normalized))`, from Ioffe and Szegedy's paper
    /// (arXiv:1502.03167, section 3), simplified.
    fn input_gradient<F: Behind>(
        &self,
        x: &[f32],
        dy: &[f32],
        (dbeta, dgamma): (&[f64], &[f64]),
    ) -> Vec<f32> {
        let c = self.beta.len();
        let rows = (x.len() / c) as f64;
        let plain: Vec<f32> = dbeta.iter().map(|s| (s / rows) as f32).collect();
        let weighted: Vec<f32> = dgamma
            .iter()
            .zip(&self.scale)
            .map(|(s, scale)| (s / rows) as f32 * scale)
            .collect();
        let (mean, factor, beta) = (&self.mean[..c], &self.factor[..c], &self.beta[..c]);
        let (plain, weighted) = (&plain[..c], &weighted[..c]);
        by_row_chunks(
            x.len(),
            c,
            #[inline(always)]
            |start, dx| {
                let rows = x[start..].chunks_exact(c).zip(dy[start..].chunks_exact(c));
                for (dx, (x, dy)) in dx.chunks_exact_mut(c).zip(rows) {
                    map_row!(dx, [x, dy, mean, factor, beta, plain, weighted] => {
                        let centered = x - mean;
                        let gradient = F::gradient(dy, centered * factor + beta);
                        factor * (gradient - plain - centered * weighted)
                    });
                }
            },
        )
    }
}
