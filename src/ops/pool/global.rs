//! The mean over all positions.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::cpu::check;
use crate::ops::read::made;
use crate::ops::simd::vectorized;
use crate::ops::tape::record;

/// The mean of each channel of `x` `[n, h, w, c]` over all positions, `[n, c]`.
///
/// # Errors
/// Another number of dimensions, a type other than f32, no elements.
pub fn global_average_pool(x: &Tensor) -> Result<Tensor> {
    check("global_average_pool", &[("x", x)])?;
    let &[n, h, w, c] = x.dims() else {
        bail!(
            "global_average_pool: x must be [batch, height, width, channels], got {:?}",
            x.dims()
        );
    };
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::global_average_pool(x);
    }
    if !x.device().is_cpu() {
        return composition(x);
    }
    let op = GlobalAveragePoolOp {
        n,
        positions: h * w,
        channels: c,
    };
    let y = made([x], (n, c), |[x]| op.means(x))?;
    record(&[x], &y, move |dy| {
        Ok(vec![Some(made([&dy], (n, h, w, c), |[dy]| {
            op.gradient(dy)
        })?)])
    });
    Ok(y)
}

/// As [`global_average_pool`], by candle's own operations.
pub(super) fn composition(x: &Tensor) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    x.contiguous()?
        .reshape((n, h * w, c))?
        .sum(1)?
        .affine(1.0 / (h * w) as f64, 0.0)
}

#[derive(Clone, Copy)]
struct GlobalAveragePoolOp {
    n: usize,
    positions: usize,
    channels: usize,
}

impl GlobalAveragePoolOp {
    fn means(&self, x: &[f32]) -> Vec<f32> {
        let scale = 1.0 / self.positions as f32;
        let mut means = vec![0f32; self.n * self.channels];
        means
            .par_chunks_mut(self.channels)
            .zip(x.par_chunks(self.positions * self.channels))
            .for_each(|(means, image)| {
                vectorized(
                    #[inline(always)]
                    || {
                        for pixel in image.chunks_exact(self.channels) {
                            means.iter_mut().zip(pixel).for_each(|(m, v)| *m += v);
                        }
                        means.iter_mut().for_each(|m| *m *= scale);
                    },
                );
            });
        means
    }

    fn gradient(&self, dy: &[f32]) -> Vec<f32> {
        let scale = 1.0 / self.positions as f32;
        let mut dx = vec![0f32; self.n * self.positions * self.channels];
        dx.par_chunks_mut(self.positions * self.channels)
            .zip(dy.par_chunks(self.channels))
            .for_each(|(dx, dy)| {
                for pixel in dx.chunks_exact_mut(self.channels) {
                    pixel.iter_mut().zip(dy).for_each(|(d, g)| *d = g * scale);
                }
            });
        dx
    }
}
