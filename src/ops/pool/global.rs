//! The mean over all positions.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::cpu::{check, tensor_like, values, with_values};
use crate::ops::simd::vectorized;

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
    x.contiguous()?.apply_op1(op)
}

/// As [`global_average_pool`], by candle's own operations.
pub(super) fn composition(x: &Tensor) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    x.contiguous()?
        .reshape((n, h * w, c))?
        .sum(1)?
        .affine(1.0 / (h * w) as f64, 0.0)
}

struct GlobalAveragePoolOp {
    n: usize,
    positions: usize,
    channels: usize,
}

impl CustomOp1 for GlobalAveragePoolOp {
    fn name(&self) -> &'static str {
        "global_average_pool"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let scale = 1.0 / self.positions as f32;
        let mut means = vec![0f32; self.n * self.channels];
        means
            .par_chunks_mut(self.channels)
            .zip(values(x, layout)?.par_chunks(self.positions * self.channels))
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
        Ok((CpuStorage::F32(means), (self.n, self.channels).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let scale = 1.0 / self.positions as f32;
        let dx = with_values(&dy.contiguous()?, |dy| {
            let mut dx = vec![0f32; x.elem_count()];
            dx.par_chunks_mut(self.positions * self.channels)
                .zip(dy.par_chunks(self.channels))
                .for_each(|(dx, dy)| {
                    for pixel in dx.chunks_exact_mut(self.channels) {
                        pixel.iter_mut().zip(dy).for_each(|(d, g)| *d = g * scale);
                    }
                });
            Ok(dx)
        })?;
        tensor_like(dx, x).map(Some)
    }
}
