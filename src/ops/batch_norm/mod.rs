//! Batch normalization over all axes but the last.

mod behind;
mod inference;
mod training;

#[cfg(test)]
mod tests;

use candle_core::{Result, Tensor, Var, bail};

use super::activation::{Function, activation};
use super::cpu::{check, check_dims, row_sums};

pub use inference::{batch_norm_inference, batch_norm_inference_then, scale_and_shift};
pub use training::{BatchNorm, batch_norm, batch_norm_then};

/// For each of `c` channels the sum of gradients, then for each the sum of gradients times values. The gradients of a row are
/// what `of` makes of its `x` and `dy`, of which it puts the values into a row, too.
fn gradient_sums(
    x: &[f32],
    dy: &[f32],
    c: usize,
    of: impl Fn(&[f32], &[f32], [&mut [f32]; 2]) + Sync,
) -> Vec<f64> {
    row_sums(
        x.len() / c,
        2 * c,
        #[inline(always)]
        |rows, sums| {
            let (plain, weighted) = sums.split_at_mut(c);
            let rows = rows.start * c..rows.end * c;
            let mut row = vec![0f32; 2 * c];
            let (gradients, values) = row.split_at_mut(c);
            for (x, dy) in x[rows.clone()]
                .chunks_exact(c)
                .zip(dy[rows].chunks_exact(c))
            {
                of(x, dy, [gradients, values]);
                for i in 0..c {
                    plain[i] += f64::from(gradients[i]);
                    weighted[i] += f64::from(gradients[i]) * f64::from(values[i]);
                }
            }
        },
    )
}

/// `y` with the function behind it, where there is one.
fn then(y: Tensor, function: Option<Function>) -> Result<Tensor> {
    match function {
        Some(function) => activation(&y, function),
        None => Ok(y),
    }
}

/// The function where a kernel of an NVIDIA GPU applies it itself, and the one that has yet to be applied.
#[cfg(feature = "cuda")]
fn on_gpu(function: Option<Function>) -> (bool, Option<Function>) {
    let relu = function == Some(Function::Relu);
    (relu, function.filter(|_| !relu))
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
