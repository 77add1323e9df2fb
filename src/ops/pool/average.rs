//! Average pooling.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::windows::{Pool2dConfig, Windows};
use crate::ops::cpu::{check, tensor_like, values, with_values};
use crate::ops::simd::vectorized;

/// The mean of each window of `x` `[n, h, w, c]`, `[n, ho, wo, c]`, over the pixels that lie inside the image: PyTorch's
/// `avg_pool2d` with `count_include_pad=False`, and Keras's `AveragePooling2D`.
///
/// # Errors
/// As [`super::max_pool2d`].
pub fn average_pool2d(x: &Tensor, config: &Pool2dConfig) -> Result<Tensor> {
    check("average_pool2d", &[("x", x)])?;
    let windows = Windows::new("average_pool2d", x.dims(), config)?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::average_pool2d(x, windows);
    }
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(AveragePoolOp(windows))
    } else {
        composition(x, config)
    }
}

/// As [`average_pool2d`], of a checked tensor, by candle's own operations.
pub(super) fn composition(x: &Tensor, config: &Pool2dConfig) -> Result<Tensor> {
    let of = Windows::new("average_pool2d", x.dims(), config)?;
    let ones = Tensor::ones((1, of.h, of.w, 1), x.dtype(), x.device())?;
    sums(x, &of)?.broadcast_div(&sums(&ones, &of)?)
}

/// The sum of each window, the pixels outside being zeros.
fn sums(x: &Tensor, of: &Windows) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    of.for_places(x, 0.0, |seen| {
        sum = Some(match &sum {
            None => seen,
            Some(sum) => (sum + seen)?,
        });
        Ok(())
    })?;
    match sum {
        Some(sum) => Ok(sum),
        None => bail!("average_pool2d: the kernel must be at least 1"),
    }
}

struct AveragePoolOp(Windows);

impl CustomOp1 for AveragePoolOp {
    fn name(&self) -> &'static str {
        "average_pool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Windows {
            n, h, w, c, ho, wo, ..
        } = self.0;
        let mut y = vec![0f32; n * ho * wo * c];
        y.par_chunks_mut(ho * wo * c)
            .zip(values(x, layout)?.par_chunks(h * w * c))
            .for_each(|(y, x)| {
                vectorized(
                    #[inline(always)]
                    || self.means(x, y),
                )
            });
        Ok((CpuStorage::F32(y), (n, ho, wo, c).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let Windows {
            h, w, c, ho, wo, ..
        } = self.0;
        let dx = with_values(&dy.contiguous()?, |dy| {
            let mut dx = vec![0f32; x.elem_count()];
            dx.par_chunks_mut(h * w * c)
                .zip(dy.par_chunks(ho * wo * c))
                .for_each(|(dx, dy)| {
                    vectorized(
                        #[inline(always)]
                        || self.spread(dy, dx),
                    )
                });
            Ok(dx)
        })?;
        tensor_like(dx, x).map(Some)
    }
}

impl AveragePoolOp {
    /// The mean of each window of one image.
    #[inline(always)]
    fn means(&self, x: &[f32], y: &mut [f32]) {
        let channels = self.0.c;
        self.0.for_windows(
            #[inline(always)]
            |out, places| {
                let y = &mut y[out..out + channels];
                for &place in places {
                    let x = &x[place..place + channels];
                    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
                }
                let scale = 1.0 / places.len() as f32;
                y.iter_mut().for_each(|y| *y *= scale);
            },
        );
    }

    /// Adds each window's gradient to its pixels in equal parts, in one image.
    #[inline(always)]
    fn spread(&self, dy: &[f32], dx: &mut [f32]) {
        let channels = self.0.c;
        self.0.for_windows(
            #[inline(always)]
            |out, places| {
                let dy = &dy[out..out + channels];
                let scale = 1.0 / places.len() as f32;
                for &place in places {
                    let dx = &mut dx[place..place + channels];
                    dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy * scale);
                }
            },
        );
    }
}
