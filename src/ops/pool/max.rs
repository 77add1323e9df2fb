//! Max pooling by PyTorch's rules.

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::windows::{Pool2dConfig, Windows};
use crate::ops::cpu::{Shared, check, filled};
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
        let gradient = |[x, y, dy]: [&[f32]; 3]| op.gradient(x, y, dy);
        let tensors = [&x_kept, &y_kept, &dy];
        Ok(vec![Some(made(tensors, windows.input(), gradient)?)])
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
        let fill = |out: &Shared<'_>| {
            x.par_chunks(x_size).enumerate().for_each(|(i, x)| {
                vectorized(
                    #[inline(always)]
                    || self.maxima(x, i * y_size, out),
                )
            });
        };
        // SAFETY: each task fills the windows of its own image.
        unsafe { filled(self.0.n * y_size, fill) }
    }

    /// The gradient of the input from that of the output.
    fn gradient(&self, x: &[f32], y: &[f32], dy: &[f32]) -> Vec<f32> {
        let [x_size, y_size] = self.0.sizes();
        let mut dx = vec![0f32; x.len()];
        dx.par_chunks_mut(x_size)
            .zip(x.par_chunks(x_size))
            .zip(y.par_chunks(y_size).zip(dy.par_chunks(y_size)))
            .for_each(|((dx, x), (y, dy))| {
                vectorized(
                    #[inline(always)]
                    || self.give_to_first(x, y, dy, dx),
                );
            });
        dx
    }

    /// The maximum of each window of one image, whose output begins at `first`.
    #[inline(always)]
    fn maxima(&self, x: &[f32], first: usize, out: &Shared<'_>) {
        self.0.for_windows(
            #[inline(always)]
            |at, places| {
                let mut channel = 0;
                while channel + BLOCK <= self.0.c {
                    let best = best::<BLOCK>(x, places, channel);
                    // SAFETY: no other task writes this image's windows.
                    unsafe { out.write(first + at + channel, &best) };
                    channel += BLOCK;
                }
                for channel in channel..self.0.c {
                    let best = best::<1>(x, places, channel);
                    // SAFETY: as above.
                    unsafe { out.write(first + at + channel, &best) };
                }
            },
        );
    }

    /// Adds each window's gradient to its first maximum, in one image.
    #[inline(always)]
    fn give_to_first(&self, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
        self.0.for_windows(
            #[inline(always)]
            |at, places| {
                let mut channel = 0;
                while channel + BLOCK <= self.0.c {
                    give::<BLOCK>((x, dx), places, channel, of([y, dy], at + channel));
                    channel += BLOCK;
                }
                for channel in channel..self.0.c {
                    give::<1>((x, dx), places, channel, of([y, dy], at + channel));
                }
            },
        );
    }
}

/// Channels that stay in registers while the places of a window are looked at.
const BLOCK: usize = 16;

/// The maxima of a window's places, of `N` channels.
#[inline(always)]
fn best<const N: usize>(x: &[f32], places: &[usize], channel: usize) -> [f32; N] {
    let mut best = [f32::NEG_INFINITY; N];
    for &place in places {
        let x = &x[place + channel..][..N];
        for (best, x) in best.iter_mut().zip(x) {
            *best = if *x > *best || x.is_nan() { *x } else { *best };
        }
    }
    best
}

/// `N` channels of a window's maximum and of its gradient.
#[inline(always)]
fn of<const N: usize>(both: [&[f32]; 2], at: usize) -> [[f32; N]; 2] {
    both.map(|values| {
        let mut some = [0.0; N];
        some.copy_from_slice(&values[at..][..N]);
        some
    })
}

/// Adds the gradient of `N` channels of a window to the first of the places that is its maximum.
#[inline(always)]
fn give<const N: usize>(
    (x, dx): (&[f32], &mut [f32]),
    places: &[usize],
    channel: usize,
    [y, mut rest]: [[f32; N]; 2],
) {
    for &place in places {
        let x = &x[place + channel..][..N];
        let dx = &mut dx[place + channel..][..N];
        for (((dx, x), y), rest) in dx.iter_mut().zip(x).zip(&y).zip(&mut rest) {
            let first = x == y || (x.is_nan() && y.is_nan());
            *dx += if first { *rest } else { 0.0 };
            // What is still to be given away.
            *rest = if first { 0.0 } else { *rest };
        }
    }
}
