//! Rows of outputs.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over indices are unrolled and compiled for the vectors at hand; iterators' closures may not be"
)]

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::axis::Axis;
use crate::ops::conv2d::finish::{Block, Finish};
use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::Shared;
use crate::ops::simd::{dispatch, load, prefetch};

/// Rows of outputs, and what they are computed from.
#[derive(Clone, Copy)]
pub(in crate::ops::conv2d) struct Rows<'a> {
    pub shape: &'a Shape,
    /// The input, from a row of an image on.
    pub x: &'a [f32],
    /// The row of the input, over all images, that `x` begins with.
    pub first: usize,
    /// `[kh, kw, 1, channels]`
    pub kernel: &'a [f32],
    pub finish: Finish<'a>,
    /// `[n, ho, wo, channels]`
    pub out: &'a Shared<'a>,
}

impl Rows<'_> {
    /// Computes one row of the outputs, counted over all images; what it sees is in `x`.
    ///
    /// # Safety
    /// No other task may touch this row of `out` at the same time.
    pub unsafe fn fill(&self, row: usize) {
        let s = self.shape;
        let below = (row % s.ho * s.stride + s.kh).saturating_sub(s.padding[0]);
        dispatch(Line {
            shape: s,
            rows: Axis::rows(s),
            columns: Axis::columns(s),
            x: self.x,
            kernel: self.kernel,
            finish: self.finish,
            row,
            first: self.first,
            below: (row / s.ho * s.h + below).saturating_sub(self.first),
            out: self.out,
        });
        let width = s.wo * s.cout;
        // SAFETY: by this function's contract.
        let out = unsafe { self.out.slice(row * width..(row + 1) * width) };
        self.finish.apply_function(out);
    }
}

/// One row of outputs of an image.
struct Line<'a> {
    shape: &'a Shape,
    rows: Axis,
    columns: Axis,
    x: &'a [f32],
    kernel: &'a [f32],
    finish: Finish<'a>,
    /// Counted over all images.
    row: usize,
    /// The row of the input, over all images, that `x` begins with.
    first: usize,
    /// The first row of `x` that the next row of outputs sees and this one does not.
    below: usize,
    /// No other task writes this row.
    out: &'a Shared<'a>,
}

/// Outputs computed at a time, at most.
const OUTPUTS: usize = 4;

/// Where all taps of some outputs lie, and their factors: a row of the kernel after another.
struct Inside {
    /// The kernel's rows that meet the image.
    rows: Range<usize>,
    /// Where the first value lies that the first of the rows sees, of channel 0.
    x: usize,
    /// Values from a row of the image to the next.
    line: usize,
}

impl WithSimd for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let wo = self.shape.wo;
        let inside = self.columns.inside();
        let mut ox = 0;
        let mut taps = Vec::with_capacity(self.shape.kh * self.shape.kw);
        while ox < wo {
            let left = inside.end.saturating_sub(ox);
            match inside.start <= ox {
                true if left >= OUTPUTS => {
                    self.inside::<S, OUTPUTS>(simd, ox, &mut taps);
                    ox += OUTPUTS;
                }
                true if left >= 2 => {
                    self.inside::<S, 2>(simd, ox, &mut taps);
                    ox += 2;
                }
                _ => {
                    self.taps(ox, &mut taps);
                    self.channels::<S, 1>(simd, ox, &taps);
                    ox += 1;
                }
            }
        }
    }
}

impl Line<'_> {
    /// All channels of `N` outputs whose taps all meet the image, if not above or below it. The usual kernels have loops of
    /// their own, in which neighbouring outputs share what they see.
    #[inline(always)]
    fn inside<S: Simd, const N: usize>(&self, simd: S, ox: usize, taps: &mut Vec<(usize, usize)>) {
        match (self.shape.kw, self.shape.stride) {
            (3, 1) => self.rows::<S, N, 3, 1>(simd, ox),
            (3, 2) => self.rows::<S, N, 3, 2>(simd, ox),
            (5, 1) => self.rows::<S, N, 5, 1>(simd, ox),
            (5, 2) => self.rows::<S, N, 5, 2>(simd, ox),
            (7, 1) => self.rows::<S, N, 7, 1>(simd, ox),
            _ => {
                self.taps(ox, taps);
                self.channels::<S, N>(simd, ox, taps);
            }
        }
    }

    /// All channels of `N` outputs inside, for a kernel of `K` columns.
    #[inline(always)]
    fn rows<S: Simd, const N: usize, const K: usize, const STRIDE: usize>(
        &self,
        simd: S,
        ox: usize,
    ) {
        let s = self.shape;
        let (c, lanes) = (s.cout, S::F32_LANES);
        let (image, oy) = (self.row / s.ho, self.row % s.ho);
        let rows = self.rows.taps(oy);
        let line = image * s.h + self.rows.input(oy, rows.start) - self.first;
        let of = Inside {
            x: (line * s.w + self.columns.input(ox, 0)) * c,
            line: s.w * c,
            rows,
        };
        let mut channel = 0;
        while channel + 2 * lanes <= c {
            self.rows_block::<S, N, 2, K, STRIDE>(simd, &of, ox, channel);
            channel += 2 * lanes;
        }
        while channel + lanes <= c {
            self.rows_block::<S, N, 1, K, STRIDE>(simd, &of, ox, channel);
            channel += lanes;
        }
        if channel < c && c >= lanes {
            // Some of them once more.
            self.rows_block::<S, N, 1, K, STRIDE>(simd, &of, ox, c - lanes);
        } else {
            for channel in channel..c {
                for i in 0..N {
                    self.single(ox + i, channel);
                }
            }
        }
    }

    /// `V` vectors of channels of `N` outputs inside.
    #[inline(always)]
    fn rows_block<S: Simd, const N: usize, const V: usize, const K: usize, const STRIDE: usize>(
        &self,
        simd: S,
        of: &Inside,
        ox: usize,
        channel: usize,
    ) {
        let (c, lanes) = (self.shape.cout, S::F32_LANES);
        self.prefetch(ox, N, channel);
        let seen = ((N - 1) * STRIDE + K - 1) * c + V * lanes;
        let mut sums = [[simd.splat_f32s(0.0); V]; N];
        for (i, row) in of.rows.clone().enumerate() {
            let x = &self.x[of.x + i * of.line + channel..][..seen];
            let factors = &self.kernel[row * K * c + channel..][..(K - 1) * c + V * lanes];
            for tap in 0..K {
                for v in 0..V {
                    // SAFETY: the last tap's last vector ends where the slices do.
                    unsafe {
                        let factor = factors.as_ptr().add(tap * c + v * lanes);
                        let factor = factor.cast::<S::f32s>().read_unaligned();
                        for i in 0..N {
                            let value = x.as_ptr().add((i * STRIDE + tap) * c + v * lanes);
                            let value = value.cast::<S::f32s>().read_unaligned();
                            sums[i][v] = simd.mul_add_e_f32s(value, factor, sums[i][v]);
                        }
                    }
                }
            }
        }
        self.finish(simd, sums, ox, channel);
    }

    /// All channels of `N` outputs that have the same taps.
    #[inline(always)]
    fn channels<S: Simd, const N: usize>(&self, simd: S, ox: usize, taps: &[(usize, usize)]) {
        let c = self.shape.cout;
        let mut channel = 0;
        while channel + 2 * S::F32_LANES <= c {
            self.block::<S, N, 2>(simd, taps, ox, channel);
            channel += 2 * S::F32_LANES;
        }
        while channel + S::F32_LANES <= c {
            self.block::<S, N, 1>(simd, taps, ox, channel);
            channel += S::F32_LANES;
        }
        if channel < c && c >= S::F32_LANES {
            // Some of them once more.
            self.block::<S, N, 1>(simd, taps, ox, c - S::F32_LANES);
        } else {
            for channel in channel..c {
                for i in 0..N {
                    self.single(ox + i, channel);
                }
            }
        }
    }

    /// Asks for what the outputs below `N` of these are the first to see; channels are too far apart to be foreseen.
    #[inline(always)]
    fn prefetch(&self, ox: usize, n: usize, channel: usize) {
        let s = self.shape;
        for row in 0..s.stride {
            let at = (self.below + row) * s.w + ox * s.stride;
            for pixel in 0..n * s.stride {
                prefetch(self.x, (at + pixel) * s.cout + channel);
            }
        }
    }

    /// Finishes the sums of `N` outputs and puts them in their places.
    #[inline(always)]
    fn finish<S: Simd, const N: usize, const V: usize>(
        &self,
        simd: S,
        sums: [[S::f32s; V]; N],
        ox: usize,
        channel: usize,
    ) {
        let c = self.shape.cout;
        let to = Block {
            channels: channel..channel + V * S::F32_LANES,
            at: (self.row * self.shape.wo + ox) * c + channel,
            stride: c,
            rows: N,
        };
        // SAFETY: no other task writes this row.
        unsafe { self.finish.block(simd, sums, &to, self.out) };
    }

    /// Lists for each tap that meets the image where the first channel's value of output `ox` lies, and its factor.
    #[inline(always)]
    fn taps(&self, ox: usize, taps: &mut Vec<(usize, usize)>) {
        let s = self.shape;
        let (image, oy) = (self.row / s.ho, self.row % s.ho);
        taps.clear();
        for ky in self.rows.taps(oy) {
            let line = (image * s.h + self.rows.input(oy, ky) - self.first) * s.w;
            for kx in self.columns.taps(ox) {
                let pixel = line + self.columns.input(ox, kx);
                taps.push((pixel * s.cout, (ky * s.kw + kx) * s.cout));
            }
        }
    }

    /// `V` vectors of channels of `N` outputs.
    #[inline(always)]
    fn block<S: Simd, const N: usize, const V: usize>(
        &self,
        simd: S,
        taps: &[(usize, usize)],
        ox: usize,
        channel: usize,
    ) {
        let s = self.shape;
        let step = s.stride * s.cout;
        self.prefetch(ox, N, channel);
        let mut sums = [[simd.splat_f32s(0.0); V]; N];
        for (value, factor) in taps {
            let values = &self.x[value + channel..][..(N - 1) * step + V * S::F32_LANES];
            let factors = &self.kernel[factor + channel..][..V * S::F32_LANES];
            for v in 0..V {
                let factor = load::<S>(factors, v * S::F32_LANES);
                for i in 0..N {
                    // SAFETY: the last of the N places ends where the slice does.
                    let value = unsafe {
                        let place = values.as_ptr().add(i * step + v * S::F32_LANES);
                        place.cast::<S::f32s>().read_unaligned()
                    };
                    sums[i][v] = simd.mul_add_e_f32s(value, factor, sums[i][v]);
                }
            }
        }
        self.finish(simd, sums, ox, channel);
    }

    /// One channel of an output, where there are fewer than a vector holds.
    #[inline(always)]
    fn single(&self, ox: usize, channel: usize) {
        let s = self.shape;
        let (image, oy) = (self.row / s.ho, self.row % s.ho);
        let mut sum = [0f32];
        for ky in self.rows.taps(oy) {
            let line = (image * s.h + self.rows.input(oy, ky) - self.first) * s.w;
            for kx in self.columns.taps(ox) {
                let at = (line + self.columns.input(ox, kx)) * s.cout + channel;
                sum[0] += self.x[at] * self.kernel[(ky * s.kw + kx) * s.cout + channel];
            }
        }
        let at = (self.row * s.wo + ox) * s.cout + channel;
        self.finish.row(&mut sum, channel, at);
        // SAFETY: no other task writes this row.
        unsafe { self.out.write(at, &sum) };
    }
}
