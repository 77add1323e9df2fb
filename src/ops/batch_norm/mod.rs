//! Batch normalization over all axes but the last.

mod inference;
mod training;

#[cfg(test)]
mod tests;

use candle_core::{Result, Tensor, bail};

use super::cpu::{check, check_dims};

pub use inference::{batch_norm_inference, scale_and_shift};
pub use training::{BatchNorm, batch_norm};

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
