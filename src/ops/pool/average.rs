//! Average pooling.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::windows::{Pool2dConfig, Windows};
use crate::ops::cpu::check;
use crate::ops::read::made;
use crate::ops::simd::vectorized;
use crate::ops::tape::record;

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
    if !x.device().is_cpu() {
        return composition(x, config);
    }
    let (op, from, to) = (AveragePoolOp(windows), windows.input(), windows.output());
    let y = made([x], to, |[x]| op.forward(x))?;
    record(&[x], &y, move |dy| {
        Ok(vec![Some(made([&dy], from, |[dy]| op.gradient(dy))?)])
    });
    Ok(y)
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

#[derive(Clone, Copy)]
struct AveragePoolOp(Windows);

impl AveragePoolOp {
    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let [x_size, y_size] = self.0.sizes();
        let mut y = vec![0f32; self.0.n * y_size];
        y.par_chunks_mut(y_size)
            .zip(x.par_chunks(x_size))
            .for_each(|(y, x)| {
                vectorized(
                    #[inline(always)]
                    || self.means(x, y),
                )
            });
        y
    }

    fn gradient(&self, dy: &[f32]) -> Vec<f32> {
        let [x_size, y_size] = self.0.sizes();
        let mut dx = vec![0f32; self.0.n * x_size];
        dx.par_chunks_mut(x_size)
            .zip(dy.par_chunks(y_size))
            .for_each(|(dx, dy)| {
                vectorized(
                    #[inline(always)]
                    || self.spread(dy, dx),
                )
            });
        dx
    }

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
