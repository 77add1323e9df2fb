//! Which pixels each window of a pooling sees.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};

use crate::ops::conv2d::strided;

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

/// The windows of a pooling on images of given sizes.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Windows {
    pub n: usize,
    pub h: usize,
    pub w: usize,
    pub c: usize,
    /// Windows from top to bottom.
    pub ho: usize,
    /// Windows from left to right.
    pub wo: usize,
    config: Pool2dConfig,
}

impl Windows {
    /// How they lie.
    #[cfg(feature = "cuda")]
    pub fn config(&self) -> Pool2dConfig {
        self.config
    }

    /// Of an `x` of these dimensions.
    ///
    /// # Errors
    /// As [`super::max_pool2d`], in the name of `operation`.
    pub fn new(operation: &str, x: &[usize], config: &Pool2dConfig) -> Result<Self> {
        let &[n, h, w, c] = x else {
            bail!("{operation}: x must be [batch, height, width, channels], got {x:?}");
        };
        if config.kernel == 0 || config.stride == 0 {
            bail!("{operation}: kernel and stride must be at least 1, got {config:?}");
        }
        if 2 * config.padding > config.kernel {
            bail!("{operation}: the padding must be at most half the kernel, got {config:?}");
        }
        let (Some(ho), Some(wo)) = (config.outputs(h), config.outputs(w)) else {
            bail!("{operation}: the window is larger than x of shape {x:?}, got {config:?}");
        };
        Ok(Windows {
            n,
            h,
            w,
            c,
            ho,
            wo,
            config: *config,
        })
    }

    /// The shape of what is pooled.
    pub fn input(&self) -> (usize, usize, usize, usize) {
        (self.n, self.h, self.w, self.c)
    }

    /// The shape of the result.
    pub fn output(&self) -> (usize, usize, usize, usize) {
        (self.n, self.ho, self.wo, self.c)
    }

    /// Values of an image before and after.
    pub fn sizes(&self) -> [usize; 2] {
        [self.h * self.w * self.c, self.ho * self.wo * self.c]
    }

    /// Calls `f` with what all windows have at their first place, at their second and so on by rows, `[n, ho, wo, c]`;
    /// pixels outside of `x` are `outside`. By candle's own operations; `x` may have other images and channels.
    pub fn for_places(
        &self,
        x: &Tensor,
        outside: f32,
        mut f: impl FnMut(Tensor) -> Result<()>,
    ) -> Result<()> {
        let Pool2dConfig {
            kernel,
            stride,
            padding,
            ..
        } = self.config;
        let pad = |x: &Tensor, dim: usize, (size, out): (usize, usize)| -> Result<Tensor> {
            let filled = |count: usize| {
                let mut dims = x.dims().to_vec();
                dims[dim] = count;
                Tensor::full(outside, dims, x.device())
            };
            let after = ((out - 1) * stride + kernel).saturating_sub(size + padding);
            let mut parts = vec![x.clone()];
            if padding > 0 {
                parts.insert(0, filled(padding)?);
            }
            if after > 0 {
                parts.push(filled(after)?);
            }
            Tensor::cat(&parts, dim)
        };
        let x = pad(&x.contiguous()?, 1, (self.h, self.ho))?;
        let x = pad(&x, 2, (self.w, self.wo))?;
        for ky in 0..kernel {
            for kx in 0..kernel {
                let rows = strided(&x, 1, ky, self.ho, stride)?;
                f(strided(&rows, 2, kx, self.wo, stride)?.contiguous()?)?;
            }
        }
        Ok(())
    }

    /// Calls `f(place in y, places in x)` for each window of an image; both count values from the image's first.
    #[inline(always)]
    pub fn for_windows(&self, mut f: impl FnMut(usize, &[usize])) {
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
