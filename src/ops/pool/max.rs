//! Max pooling by PyTorch's rules.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::windows::{Pool2dConfig, Windows};
use crate::ops::cpu::{check, with_scratch};
use crate::ops::read::made;
use crate::ops::simd::vectorized;
use crate::ops::tape::record;

/// The maximum of each window of `x` `[n, h, w, c]`, `[n, ho, wo, c]`, by the rules of PyTorch's
/// `max_pool2d`; NaN wins. The gradient goes to the first maximum of a window, by rows.
///
/// # Errors
/// A window that does not fit, a stride of 0, too much padding, a type other than f32, no elements.
pub fn max_pool2d(x: &Tensor, config: &Pool2dConfig) -> Result<Tensor> {
    check("max_pool2d", &[("x", x)])?;
    let windows = Windows::new("max_pool2d", x.dims(), config)?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::max_pool2d(x, windows);
    }
    if !x.device().is_cpu() {
        return composition(x, config);
    }
    let op = MaxPoolOp(windows);
    let y = made([x], windows.output(), |[x]| op.forward(x))?;
    let (x_kept, y_kept) = (x.clone(), y.clone());
    record(&[x], &y, move |dy| {
        let of = |[x, y, dy]: [&[f32]; 3]| op.gradient(x, y, dy);
        Ok(vec![Some(made(
            [&x_kept, &y_kept, &dy],
            windows.input(),
            of,
        )?)])
    });
    Ok(y)
}

/// As [`max_pool2d`], of a checked tensor, by candle's own operations (its `max_pool2d` has a wrong
/// gradient): the windows' places are told apart by strided views, and compared in order.
pub(super) fn composition(x: &Tensor, config: &Pool2dConfig) -> Result<Tensor> {
    let of = Windows::new("max_pool2d", x.dims(), config)?;
    let mut best: Option<Tensor> = None;
    // Padding must lose against any value, so zeros will not do.
    of.for_places(x, f32::NEG_INFINITY, |seen| {
        best = Some(match &best {
            None => seen,
            Some(best) => {
                let (old, new) = (best.detach(), seen.detach());
                // Greater, or NaN: the only value unequal to itself.
                let wins = (new.gt(&old)? + new.ne(&new)?)?.gt(0u8)?;
                wins.where_cond(&seen, best)?
            }
        });
        Ok(())
    })?;
    match best {
        Some(best) => Ok(best),
        None => bail!("max_pool2d: the kernel must be at least 1"),
    }
}

#[derive(Clone, Copy)]
struct MaxPoolOp(Windows);

impl MaxPoolOp {
    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let [x_size, y_size] = self.0.sizes();
        let mut y = vec![0f32; self.0.n * y_size];
        y.par_chunks_mut(y_size)
            .zip(x.par_chunks(x_size))
            .for_each(|(y, x)| {
                vectorized(
                    #[inline(always)]
                    || self.maxima(x, y),
                )
            });
        y
    }

    /// The gradient of the input from that of the output.
    fn gradient(&self, x: &[f32], y: &[f32], dy: &[f32]) -> Vec<f32> {
        let [x_size, y_size] = self.0.sizes();
        let mut dx = vec![0f32; x.len()];
        dx.par_chunks_mut(x_size)
            .zip(x.par_chunks(x_size))
            .zip(y.par_chunks(y_size).zip(dy.par_chunks(y_size)))
            .for_each(|((dx, x), (y, dy))| {
                with_scratch(self.0.c, |rest| {
                    vectorized(
                        #[inline(always)]
                        || self.give_to_first(x, y, dy, dx, rest),
                    );
                });
            });
        dx
    }

    /// The maximum of each window of one image.
    #[inline(always)]
    fn maxima(&self, x: &[f32], y: &mut [f32]) {
        self.0.for_windows(
            #[inline(always)]
            |out, places| {
                let y = &mut y[out..out + self.0.c];
                y.fill(f32::NEG_INFINITY);
                for &place in places {
                    let x = &x[place..place + self.0.c];
                    y.iter_mut().zip(x).for_each(|(y, x)| {
                        *y = if *x > *y || x.is_nan() { *x } else { *y };
                    });
                }
            },
        );
    }

    /// Adds each window's gradient to its first maximum, in one image; `rest` holds a value per channel.
    #[inline(always)]
    fn give_to_first(&self, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32], rest: &mut [f32]) {
        self.0.for_windows(
            #[inline(always)]
            |out, places| {
                let y = &y[out..out + self.0.c];
                // What is still to be given away, channel by channel.
                rest.copy_from_slice(&dy[out..out + self.0.c]);
                for &place in places {
                    let x = &x[place..place + self.0.c];
                    let dx = &mut dx[place..place + self.0.c];
                    for (((dx, x), y), rest) in dx.iter_mut().zip(x).zip(y).zip(&mut *rest) {
                        let first = x == y || (x.is_nan() && y.is_nan());
                        *dx += if first { *rest } else { 0.0 };
                        *rest = if first { 0.0 } else { *rest };
                    }
                }
            },
        );
    }
}
