//! Batch normalization over all axes but the last.

mod inference;
mod training;

#[cfg(test)]
mod tests;

use candle_core::{Result, Tensor, Var, bail};

use super::cpu::{check, check_dims, row_sums};
use super::relu::relu;

pub use inference::{batch_norm_inference, scale_and_shift};
pub use training::{BatchNorm, batch_norm};

/// For each of `c` channels the sum of `dy`, then for each the sum of `dy` × `of(x, channel)`.
fn gradient_sums(
    x: &[f32],
    dy: &[f32],
    c: usize,
    of: impl Fn(f32, usize) -> f32 + Sync,
) -> Vec<f64> {
    row_sums(
        x.len() / c,
        2 * c,
        #[inline(always)]
        |rows, sums| {
            let (plain, weighted) = sums.split_at_mut(c);
            let rows = rows.start * c..rows.end * c;
            for (x, dy) in x[rows.clone()]
                .chunks_exact(c)
                .zip(dy[rows].chunks_exact(c))
            {
                for i in 0..c {
                    plain[i] += f64::from(dy[i]);
                    weighted[i] += f64::from(dy[i]) * f64::from(of(x[i], i));
                }
            }
        },
    )
}

/// [`batch_norm`], and ReLU behind it where asked for, at once where the device can.
///
/// # Errors
/// As [`batch_norm`].
pub fn batch_norm_then(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    relu: bool,
) -> Result<BatchNorm> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        channels(x, &[("gamma", gamma), ("beta", beta)])?;
        let [y, mean, variance] = super::cuda::batch_norm(x, gamma, beta, epsilon, relu)?;
        return Ok(BatchNorm { y, mean, variance });
    }
    let found = batch_norm(x, gamma, beta, epsilon)?;
    let y = then(found.y, relu)?;
    Ok(BatchNorm { y, ..found })
}

/// [`batch_norm_inference`] of gamma and beta, mean and variance, and ReLU behind it where asked for, at once where the
/// device can.
///
/// # Errors
/// As [`batch_norm_inference`].
pub fn batch_norm_inference_then(
    x: &Tensor,
    [gamma, beta]: [&Tensor; 2],
    [mean, variance]: [&Tensor; 2],
    epsilon: f64,
    relu: bool,
) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        let statistics = [("the mean", mean), ("the variance", variance)];
        channels(x, &[("gamma", gamma), ("beta", beta)])?;
        channels(x, &statistics)?;
        let all = [gamma, beta, mean, variance];
        return super::cuda::batch_norm_inference(x, all, epsilon, relu);
    }
    then(
        batch_norm_inference(x, gamma, beta, mean, variance, epsilon)?,
        relu,
    )
}

fn then(y: Tensor, with_relu: bool) -> Result<Tensor> {
    if with_relu { relu(&y) } else { Ok(y) }
}

/// Moves a moving statistic: `moving = moving * momentum + batch * scale * (1 - momentum)`, as Keras.
///
/// # Errors
/// Another shape.
pub fn move_towards(moving: &Var, batch: &Tensor, momentum: f64, scale: f64) -> Result<()> {
    #[cfg(feature = "cuda")]
    if moving.device().is_cuda() {
        return super::cuda::move_towards(moving, batch, momentum, scale);
    }
    let kept = (moving.as_detached_tensor() * momentum)?;
    let batch = match scale {
        1.0 => batch.detach(),
        scale => (batch.detach() * scale)?,
    };
    moving.set(&(kept + (batch * (1.0 - momentum))?)?)
}

/// The number of channels of a checked `x`, whose per-channel tensors `[c]` are named in `others`.
fn channels(x: &Tensor, others: &[(&str, &Tensor)]) -> Result<usize> {
    check("batch_norm", &[("x", x)])?;
    check("batch_norm", others)?;
    let (2 | 4, Some(&c)) = (x.rank(), x.dims().last()) else {
        bail!(
            "batch_norm: x must be [batch, channels] or [batch, height, width, channels], got {:?}",
            x.dims()
        );
    };
    for other in others {
        check_dims("batch_norm", *other, &[c], ("x", x.dims()))?;
    }
    Ok(c)
}
