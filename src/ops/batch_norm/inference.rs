//! With given statistics.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{Result, Tensor};

use super::behind::{Behind, with_function};
#[cfg(feature = "cuda")]
use super::on_gpu;
use super::{channels, gradient_sums, then};
use crate::ops::activation::Function;
use crate::ops::cpu::by_row_chunks;
use crate::ops::read::{made, read};
use crate::ops::simd::map_row;
use crate::ops::tape::{is_wanted, record};

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
    let (affine, statistics) = ([gamma, beta], [mean, variance]);
    batch_norm_inference_then(x, affine, statistics, epsilon, None)
}

/// [`batch_norm_inference`] of gamma and beta, mean and variance, and a function behind it, where there is one, at once where
/// the device can.
///
/// # Errors
/// As [`batch_norm_inference`].
pub fn batch_norm_inference_then(
    x: &Tensor,
    [gamma, beta]: [&Tensor; 2],
    [mean, variance]: [&Tensor; 2],
    epsilon: f64,
    function: Option<Function>,
) -> Result<Tensor> {
    let others = [
        ("gamma", gamma),
        ("beta", beta),
        ("the mean", mean),
        ("the variance", variance),
    ];
    let c = channels(x, &others)?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        let (relu, function) = on_gpu(function);
        let all = [gamma, beta, mean, variance];
        return then(cuda::batch_norm_inference(x, all, epsilon, relu)?, function);
    }
    let (scale, shift) = scale_and_shift(gamma, beta, mean, variance, epsilon)?;
    if !x.device().is_cpu() {
        return then(composition(x, &scale, &shift)?, function);
    }
    let (scale, shift) = (scale.detach(), shift.detach());
    let y = made(
        [x, &scale, &shift],
        x.shape(),
        |[x, scale, shift]| with_function!(function, Of => scaled::<Of>(x, scale, shift)),
    )?;
    let [of_x, of_gamma, of_beta] = [x, gamma, beta].map(is_wanted);
    let (kept, mean, variance) = (x.clone(), mean.clone(), variance.clone());
    record(&[x, gamma, beta], &y, move |dy| {
        let all = [&kept, &scale, &shift, &dy];
        let input_gradient = |[x, scale, shift, dy]: [&[f32]; 4]| with_function!(function, Of => input_gradient::<Of>(x, dy, (scale, shift)));
        let dx = of_x.then(|| made(all, kept.shape(), input_gradient));
        let (mut dgamma, mut dbeta) = (None, None);
        if of_gamma || of_beta {
            let sums = read(
                all,
                |[x, scale, shift, dy]| with_function!(function, Of => sums::<Of>(x, dy, (scale, shift))),
            )?;
            let (plain, weighted) = sums.split_at(c);
            let channel = |values: &[f64]| {
                let values = values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
                Tensor::from_vec(values, c, kept.device())
            };
            let (plain, weighted) = (channel(plain)?, channel(weighted)?);
            // Of scale and shift, which are made of gamma and beta.
            let of_scale = (weighted - (mean.detach() * &plain)?)?;
            dgamma = Some((of_scale / (variance.detach() + epsilon)?.sqrt()?)?);
            dbeta = Some(plain);
        }
        Ok(vec![dx.transpose()?, dgamma, dbeta])
    });
    Ok(y)
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

/// `F(x * scale + shift)`, a scale and a shift for each channel.
fn scaled<F: Behind>(x: &[f32], scale: &[f32], shift: &[f32]) -> Vec<f32> {
    let c = scale.len();
    by_row_chunks(
        x.len(),
        c,
        #[inline(always)]
        |start, y| {
            for (y, x) in y.chunks_exact_mut(c).zip(x[start..].chunks_exact(c)) {
                map_row!(y, [x, scale, shift] => F::value(x * scale + shift));
            }
        },
    )
}

/// The gradient of x.
fn input_gradient<F: Behind>(x: &[f32], dy: &[f32], (scale, shift): (&[f32], &[f32])) -> Vec<f32> {
    let c = scale.len();
    by_row_chunks(
        dy.len(),
        c,
        #[inline(always)]
        |start, dx| {
            let rows = x[start..].chunks_exact(c).zip(dy[start..].chunks_exact(c));
            for (dx, (x, dy)) in dx.chunks_exact_mut(c).zip(rows) {
                map_row!(dx, [x, dy, scale, shift] => F::gradient(dy, x * scale + shift) * scale);
            }
        },
    )
}

/// The sums that the gradients of shift and scale are.
fn sums<F: Behind>(x: &[f32], dy: &[f32], (scale, shift): (&[f32], &[f32])) -> Vec<f64> {
    let c = scale.len();
    let (scale, shift) = (&scale[..c], &shift[..c]);
    gradient_sums(
        x,
        dy,
        c,
        #[inline(always)]
        |x, dy, [gradients, values]| {
            map_row!(gradients, [x, dy, scale, shift] => F::gradient(dy, x * scale + shift));
            values.copy_from_slice(x);
        },
    )
}
