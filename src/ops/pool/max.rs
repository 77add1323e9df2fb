//! Max pooling by PyTorch's rules.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::conv2d::strided;
use crate::ops::cpu::{check, tensor_like, values, with_scratch, with_values};
use crate::ops::simd::vectorized;

/// The windows of a pooling; the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2dConfig {
    /// Side of the window, at least 1.
    pub kernel: usize,
    /// Pixels between two windows, at least 1.
    pub stride: usize,
    /// Pixels of minus infinity on each side, at most half the kernel.
    pub padding: usize,
    /// Whether a last window that hangs over the edge counts, where it starts inside the image or the
    /// padding before it.
    pub ceil_mode: bool,
}

/// The maximum of each window of `x` `[n, h, w, c]`, `[n, ho, wo, c]`, by the rules of PyTorch's
/// `max_pool2d`; NaN wins. The gradient goes to the first maximum of a window, by rows.
///
/// # Errors
/// A window that does not fit, a stride of 0, too much padding, a type other than f32, no elements.
pub fn max_pool2d(x: &Tensor, config: &Pool2dConfig) -> Result<Tensor> {
    check("max_pool2d", &[("x", x)])?;
    let op = MaxPoolOp::new(x.dims(), config)?;
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(op)
    } else {
        composition(x, config)
    }
}

/// As [`max_pool2d`], of a checked tensor, by candle's own operations (its `max_pool2d` has a wrong
/// gradient): the windows' places are told apart by strided views, and compared in order.
pub(super) fn composition(x: &Tensor, config: &Pool2dConfig) -> Result<Tensor> {
    let op = MaxPoolOp::new(x.dims(), config)?;
    let &Pool2dConfig {
        kernel,
        stride,
        padding,
        ..
    } = config;
    let after =
        |size: usize, out: usize| ((out - 1) * stride + kernel).saturating_sub(size + padding);
    // Padding must lose against any value, so zeros will not do.
    let pad = |x: &Tensor, dim: usize, before: usize, after: usize| -> Result<Tensor> {
        let filled = |count: usize| {
            let mut dims = x.dims().to_vec();
            dims[dim] = count;
            Tensor::full(f32::NEG_INFINITY, dims, x.device())
        };
        let mut parts = vec![x.clone()];
        if before > 0 {
            parts.insert(0, filled(before)?);
        }
        if after > 0 {
            parts.push(filled(after)?);
        }
        Tensor::cat(&parts, dim)
    };
    let x = pad(&x.contiguous()?, 1, padding, after(op.h, op.ho))?;
    let x = pad(&x, 2, padding, after(op.w, op.wo))?;
    let mut best: Option<Tensor> = None;
    for ky in 0..kernel {
        for kx in 0..kernel {
            let rows = strided(&x, 1, ky, op.ho, stride)?;
            let seen = strided(&rows, 2, kx, op.wo, stride)?.contiguous()?;
            best = Some(match best {
                None => seen,
                Some(best) => {
                    let (old, new) = (best.detach(), seen.detach());
                    // Greater, or NaN: the only value unequal to itself.
                    let wins = (new.gt(&old)? + new.ne(&new)?)?.gt(0u8)?;
                    wins.where_cond(&seen, &best)?
                }
            });
        }
    }
    match best {
        Some(best) => Ok(best),
        None => bail!("max_pool2d: the kernel must be at least 1"),
    }
}

/// The pooling as candle's operation.
pub(in crate::ops) struct MaxPoolOp {
    n: usize,
    h: usize,
    w: usize,
    c: usize,
    ho: usize,
    wo: usize,
    config: Pool2dConfig,
}

impl MaxPoolOp {
    /// Of an `x` of these dimensions.
    pub fn new(x: &[usize], config: &Pool2dConfig) -> Result<Self> {
        let &[n, h, w, c] = x else {
            bail!("max_pool2d: x must be [batch, height, width, channels], got {x:?}");
        };
        if config.kernel == 0 || config.stride == 0 {
            bail!("max_pool2d: kernel and stride must be at least 1, got {config:?}");
        }
        if 2 * config.padding > config.kernel {
            bail!("max_pool2d: the padding must be at most half the kernel, got {config:?}");
        }
        let (Some(ho), Some(wo)) = (config.outputs(h), config.outputs(w)) else {
            bail!("max_pool2d: the window is larger than x of shape {x:?}, got {config:?}");
        };
        Ok(MaxPoolOp {
            n,
            h,
            w,
            c,
            ho,
            wo,
            config: *config,
        })
    }

    /// Calls `f(place in y, places in x)` for each window of an image; both count values from the image's first.
    #[inline(always)]
    fn for_windows(&self, mut f: impl FnMut(usize, &[usize])) {
        let mut places = Vec::with_capacity(self.config.kernel * self.config.kernel);
        for oy in 0..self.ho {
            let ys = self.config.window(oy, self.h);
            for ox in 0..self.wo {
                let xs = self.config.window(ox, self.w);
                places.clear();
                for y in ys.clone() {
                    places.extend(xs.clone().map(|x| (y * self.w + x) * self.c));
                }
                f((oy * self.wo + ox) * self.c, &places);
            }
        }
    }
}

impl Pool2dConfig {
    /// How many windows an axis of `size` pixels has (PyTorch's `pooling_output_shape`); none where the
    /// window is larger.
    pub fn outputs(&self, size: usize) -> Option<usize> {
        let free = (size + 2 * self.padding).checked_sub(self.kernel)?;
        if !self.ceil_mode {
            return Some(free / self.stride + 1);
        }
        let outputs = free.div_ceil(self.stride) + 1;
        let last_starts_inside = (outputs - 1) * self.stride < size + self.padding;
        Some(outputs - usize::from(!last_starts_inside))
    }

    /// The pixels of window `o` on an axis of `size` pixels.
    fn window(&self, o: usize, size: usize) -> Range<usize> {
        let start = o * self.stride;
        let end = (start + self.kernel).saturating_sub(self.padding).min(size);
        start.saturating_sub(self.padding)..end
    }
}

impl CustomOp1 for MaxPoolOp {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(x, layout)?;
        let mut y = vec![0f32; self.n * self.ho * self.wo * self.c];
        y.par_chunks_mut(self.ho * self.wo * self.c)
            .zip(x.par_chunks(self.h * self.w * self.c))
            .for_each(|(y, x)| {
                vectorized(
                    #[inline(always)]
                    || self.maxima(x, y),
                )
            });
        let shape = (self.n, self.ho, self.wo, self.c);
        Ok((CpuStorage::F32(y), shape.into()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dx = with_values(&dy.contiguous()?, |dy| {
            with_values(x, |x| with_values(y, |y| Ok(self.gradient(x, y, dy))))
        })?;
        tensor_like(dx, x).map(Some)
    }
}

impl MaxPoolOp {
    /// The gradient of the input from that of the output.
    pub fn gradient(&self, x: &[f32], y: &[f32], dy: &[f32]) -> Vec<f32> {
        let (x_size, y_size) = (self.h * self.w * self.c, self.ho * self.wo * self.c);
        let mut dx = vec![0f32; x.len()];
        dx.par_chunks_mut(x_size)
            .zip(x.par_chunks(x_size))
            .zip(y.par_chunks(y_size).zip(dy.par_chunks(y_size)))
            .for_each(|((dx, x), (y, dy))| {
                with_scratch(self.c, |rest| {
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
        self.for_windows(
            #[inline(always)]
            |out, places| {
                let y = &mut y[out..out + self.c];
                y.fill(f32::NEG_INFINITY);
                for &place in places {
                    let x = &x[place..place + self.c];
                    y.iter_mut().zip(x).for_each(|(y, x)| {
                        *y = if *x > *y || x.is_nan() { *x } else { *y };
                    });
                }
            },
        );
    }

    /// Adds each window's gradient to its first maximum, in one image; `rest` holds a value a channel.
    #[inline(always)]
    fn give_to_first(&self, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32], rest: &mut [f32]) {
        self.for_windows(
            #[inline(always)]
            |out, places| {
                let y = &y[out..out + self.c];
                // What is still to be given away, channel by channel.
                rest.copy_from_slice(&dy[out..out + self.c]);
                for &place in places {
                    let x = &x[place..place + self.c];
                    let dx = &mut dx[place..place + self.c];
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
