//! Convolutions whose every channel has kernels of its own: direct loops over channels.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over indices are unrolled and compiled for the vectors at hand; iterators' closures may not be"
)]

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::finish::{Block, Finish};
use super::shape::Shape;
use crate::ops::cpu::{Shared, add_parts, filled, min_tasks};
use crate::ops::simd::{dispatch, load, prefetch, vectorized};

/// Images summed by one task of the kernel's gradient.
const IMAGES_PER_SUM: usize = 2;

/// The output position that taps meet an input position from, for one axis.
struct Axis {
    stride: usize,
    padding: usize,
    size: usize,
    taps: usize,
    outputs: usize,
}

impl Axis {
    fn rows(s: &Shape) -> Self {
        Axis {
            stride: s.stride,
            padding: s.padding[0],
            size: s.h,
            taps: s.kh,
            outputs: s.ho,
        }
    }

    fn columns(s: &Shape) -> Self {
        Axis {
            stride: s.stride,
            padding: s.padding[1],
            size: s.w,
            taps: s.kw,
            outputs: s.wo,
        }
    }

    /// The taps that meet the image at output position `o`.
    #[inline(always)]
    fn taps(&self, o: usize) -> Range<usize> {
        let first = o * self.stride;
        let start = self.padding.saturating_sub(first).min(self.taps);
        let end = (self.size + self.padding)
            .saturating_sub(first)
            .min(self.taps);
        start..end.max(start)
    }

    /// The output positions at which all taps meet the image.
    fn inside(&self) -> Range<usize> {
        let start = self.padding.div_ceil(self.stride);
        let last = (self.size + self.padding).checked_sub(self.taps);
        start..last.map_or(0, |last| self.outputs.min(last / self.stride + 1))
    }

    /// The input position under a tap that meets the image.
    #[inline(always)]
    fn input(&self, o: usize, tap: usize) -> usize {
        o * self.stride + tap - self.padding
    }

    /// The output position where `tap` meets input position `i`.
    #[inline(always)]
    fn output(&self, i: usize, tap: usize) -> Option<usize> {
        let first = (i + self.padding).checked_sub(tap)?;
        let o = first / self.stride;
        (first.is_multiple_of(self.stride) && o < self.outputs).then_some(o)
    }
}

/// Convolves channel by channel; the kernel is `[kh, kw, 1, channels]`.
pub(super) fn convolve(s: &Shape, x: &[f32], kernel: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let count = s.n * s.ho;
    let fill = |out: &Shared<'_>| {
        (0..count)
            .into_par_iter()
            .with_min_len(min_tasks(multiplications(s), count))
            .for_each(|row| {
                let below = (row % s.ho * s.stride + s.kh).saturating_sub(s.padding[0]);
                dispatch(Line {
                    shape: s,
                    rows: Axis::rows(s),
                    columns: Axis::columns(s),
                    x,
                    kernel,
                    finish,
                    row,
                    below: row / s.ho * s.h + below,
                    out,
                });
                let width = s.wo * s.cout;
                // SAFETY: this task's own row, written above.
                let out = unsafe { out.slice(row * width..(row + 1) * width) };
                finish.apply_function(out);
            });
    };
    // SAFETY: the rows cover the output, and each is written by its task.
    unsafe { filled(s.rows() * s.cout, fill) }
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
    /// The first row of the input, over all images, that the next row of outputs sees and this one does not.
    below: usize,
    /// No other task writes this row.
    out: &'a Shared<'a>,
}

/// Outputs computed at a time.
const OUTPUTS: usize = 4;

impl WithSimd for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let wo = self.shape.wo;
        let inside = self.columns.inside();
        let mut ox = 0;
        let mut taps = Vec::with_capacity(self.shape.kh * self.shape.kw);
        while ox < wo {
            if inside.start <= ox && ox + OUTPUTS <= inside.end {
                self.channels::<S, OUTPUTS>(simd, ox, &mut taps);
                ox += OUTPUTS;
            } else {
                self.channels::<S, 1>(simd, ox, &mut taps);
                ox += 1;
            }
        }
    }
}

impl Line<'_> {
    /// All channels of `N` outputs that have the same taps.
    #[inline(always)]
    fn channels<S: Simd, const N: usize>(
        &self,
        simd: S,
        ox: usize,
        taps: &mut Vec<(usize, usize)>,
    ) {
        let c = self.shape.cout;
        self.taps(ox, taps);
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

    /// Lists for each tap that meets the image where the first channel's value of output `ox` lies, and its factor.
    #[inline(always)]
    fn taps(&self, ox: usize, taps: &mut Vec<(usize, usize)>) {
        let s = self.shape;
        let (image, oy) = (self.row / s.ho, self.row % s.ho);
        taps.clear();
        for ky in self.rows.taps(oy) {
            let line = (image * s.h + self.rows.input(oy, ky)) * s.w;
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
        let (c, step) = (s.cout, s.stride * s.cout);
        for row in 0..s.stride {
            // Where the outputs below are the first to see; channels are too far apart to be foreseen.
            let at = (self.below + row) * s.w + ox * s.stride;
            for pixel in 0..N * s.stride {
                prefetch(self.x, (at + pixel) * c + channel);
            }
        }
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
        let to = Block {
            channels: channel..channel + V * S::F32_LANES,
            at: (self.row * s.wo + ox) * c + channel,
            stride: c,
            rows: N,
        };
        // SAFETY: no other task writes this row.
        unsafe { self.finish.block(simd, &sums, &to, self.out) };
    }

    /// One channel of an output, where there are fewer than a vector holds.
    #[inline(always)]
    fn single(&self, ox: usize, channel: usize) {
        let s = self.shape;
        let (image, oy) = (self.row / s.ho, self.row % s.ho);
        let mut sum = [0f32];
        for ky in self.rows.taps(oy) {
            let line = (image * s.h + self.rows.input(oy, ky)) * s.w;
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

/// The gradient of the input from that of the output.
pub(super) fn input_gradient(s: &Shape, kernel: &[f32], dy: &[f32]) -> Vec<f32> {
    let (rows, columns, c) = (Axis::rows(s), Axis::columns(s), s.cout);
    by_rows(
        s,
        s.n * s.h,
        s.w * c,
        #[inline(always)]
        |task: usize, out: &mut [f32]| {
            let (image, iy) = (task / s.h, task % s.h);
            out.fill(0.0);
            for ky in 0..s.kh {
                let Some(oy) = rows.output(iy, ky) else {
                    continue;
                };
                let line = (image * s.ho + oy) * s.wo;
                for (ix, out) in out.chunks_exact_mut(c).enumerate() {
                    for kx in 0..s.kw {
                        if let Some(ox) = columns.output(ix, kx) {
                            let dy = &dy[(line + ox) * c..][..c];
                            add_products(out, dy, &kernel[(ky * s.kw + kx) * c..][..c]);
                        }
                    }
                }
            }
        },
    )
}

/// The gradient of the kernel, `[kh * kw, channels]`.
pub(super) fn kernel_gradient(s: &Shape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let size = s.kh * s.kw * s.cout;
    let tasks = s.n.div_ceil(IMAGES_PER_SUM);
    let mut parts = vec![0f32; tasks * size];
    parts
        .par_chunks_mut(size)
        .enumerate()
        .with_min_len(min_tasks(multiplications(s), tasks))
        .for_each(|(task, total)| {
            let mut line = vec![0f32; size];
            for image in task * IMAGES_PER_SUM..s.n.min((task + 1) * IMAGES_PER_SUM) {
                vectorized(
                    #[inline(always)]
                    || add_image(s, image, x, dy, &mut line, total),
                );
            }
        });
    add_parts(&mut parts, size);
    parts
}

/// Adds one image's gradient of the kernel to `total`; `line` is as long.
#[inline(always)]
fn add_image(s: &Shape, image: usize, x: &[f32], dy: &[f32], line: &mut [f32], total: &mut [f32]) {
    let (rows, columns, c) = (Axis::rows(s), Axis::columns(s), s.cout);
    for oy in 0..s.ho {
        line.fill(0.0);
        for ky in rows.taps(oy) {
            let at = (image * s.h + rows.input(oy, ky)) * s.w;
            for ox in 0..s.wo {
                let dy = &dy[((image * s.ho + oy) * s.wo + ox) * c..][..c];
                for kx in columns.taps(ox) {
                    let x = &x[(at + columns.input(ox, kx)) * c..][..c];
                    add_products(&mut line[(ky * s.kw + kx) * c..][..c], x, dy);
                }
            }
        }
        // Row by row, so that no sum has very many terms.
        total.iter_mut().zip(&*line).for_each(|(t, v)| *t += v);
    }
}

/// `out += a * b`
#[inline(always)]
fn add_products(out: &mut [f32], a: &[f32], b: &[f32]) {
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *out += a * b;
    }
}

fn multiplications(s: &Shape) -> usize {
    s.rows() * s.kh * s.kw * s.cout
}

/// `count` rows of `width` values, each filled by `row`.
fn by_rows(
    s: &Shape,
    count: usize,
    width: usize,
    row: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let fill = |out: &Shared<'_>| {
        (0..count)
            .into_par_iter()
            .with_min_len(min_tasks(multiplications(s), count))
            .for_each(|task| {
                // SAFETY: each task has its own row.
                let out = unsafe { out.slice(task * width..(task + 1) * width) };
                vectorized(
                    #[inline(always)]
                    || row(task, out),
                );
            });
    };
    // SAFETY: the rows cover the output, and `row` writes all of its own.
    unsafe { filled(count * width, fill) }
}
