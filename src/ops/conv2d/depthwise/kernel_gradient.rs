//! The gradient of the kernel.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over indices are unrolled and compiled for the vectors at hand; iterators' closures may not be"
)]

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::axis::Axis;
use super::multiplications;
use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::{add_parts, min_tasks};
use crate::ops::simd::{dispatch, load, store};

/// Images summed by one task.
const IMAGES_PER_SUM: usize = 2;

/// The gradient of the kernel, `[kh * kw, channels]`.
pub(in crate::ops::conv2d) fn kernel_gradient(s: &Shape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let size = s.kh * s.kw * s.cout;
    let tasks = s.n.div_ceil(IMAGES_PER_SUM);
    let mut parts = vec![0f32; tasks * size];
    parts
        .par_chunks_mut(size)
        .enumerate()
        .with_min_len(min_tasks(multiplications(s), tasks))
        .for_each(|(task, total)| {
            let mut line = vec![0f32; s.kw * s.cout];
            for image in task * IMAGES_PER_SUM..s.n.min((task + 1) * IMAGES_PER_SUM) {
                dispatch(Image {
                    shape: s,
                    rows: Axis::rows(s),
                    columns: Axis::columns(s),
                    image,
                    x,
                    dy,
                    line: &mut line,
                    total,
                });
            }
        });
    add_parts(&mut parts, size);
    parts
}

/// An image, whose gradient is added to the total.
struct Image<'a> {
    shape: &'a Shape,
    rows: Axis,
    columns: Axis,
    image: usize,
    x: &'a [f32],
    dy: &'a [f32],
    /// The gradient of a row of the kernel from a row of outputs, `[kw, channels]`.
    line: &'a mut [f32],
    /// `[kh, kw, channels]`
    total: &'a mut [f32],
}

/// A row of outputs and the row of the input that a row of the kernel sees there: where their first pixels lie.
#[derive(Clone, Copy)]
struct Lines {
    x: usize,
    dy: usize,
}

impl WithSimd for Image<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let s = self.shape;
        for oy in 0..s.ho {
            for ky in self.rows.taps(oy) {
                let lines = Lines {
                    x: (self.image * s.h + self.rows.input(oy, ky)) * s.w * s.cin,
                    dy: (self.image * s.ho + oy) * s.wo * s.cout,
                };
                self.line.fill(0.0);
                match s.kw {
                    3 => self.row::<S, 3, 4>(simd, lines),
                    5 => self.row::<S, 5, 2>(simd, lines),
                    7 => self.row::<S, 7, 1>(simd, lines),
                    _ => self.some(lines, 0..s.wo, 0..s.cout),
                }
                // Row by row, so that no sum has very many terms.
                let total = &mut self.total[ky * self.line.len()..][..self.line.len()];
                total.iter_mut().zip(&*self.line).for_each(|(t, v)| *t += v);
            }
        }
    }
}

impl Image<'_> {
    /// What a row of outputs gives to a row of the kernel, of `K` columns; `V` vectors of channels at a time.
    #[inline(always)]
    fn row<S: Simd, const K: usize, const V: usize>(&mut self, simd: S, lines: Lines) {
        let (c, lanes) = (self.shape.cout, S::F32_LANES);
        let inside = self.columns.inside();
        let inside = inside.start.min(inside.end)..inside.end;
        self.some(lines, 0..inside.start, 0..c);
        self.some(lines, inside.end..self.shape.wo, 0..c);
        if inside.is_empty() {
            return;
        }
        let mut channel = 0;
        while channel + V * lanes <= c {
            self.block::<S, K, V>(simd, lines, inside.clone(), channel);
            channel += V * lanes;
        }
        while channel + lanes <= c {
            self.block::<S, K, 1>(simd, lines, inside.clone(), channel);
            channel += lanes;
        }
        if channel < c {
            self.some(lines, inside, channel..c);
        }
    }

    /// Of outputs at which all taps meet the image; sums stay in registers.
    #[inline(always)]
    fn block<S: Simd, const K: usize, const V: usize>(
        &mut self,
        simd: S,
        lines: Lines,
        outputs: Range<usize>,
        channel: usize,
    ) {
        let (c, lanes) = (self.shape.cout, S::F32_LANES);
        let (count, step) = (outputs.len(), self.shape.stride * c);
        let seen = (count - 1) * step + (K - 1) * c + V * lanes;
        let x = &self.x[lines.x + self.columns.input(outputs.start, 0) * c + channel..][..seen];
        let dy = &self.dy[lines.dy + outputs.start * c + channel..][..(count - 1) * c + V * lanes];
        let mut sums = [[simd.splat_f32s(0.0); V]; K];
        for i in 0..count {
            // SAFETY: the last output's last vector, and that of what its last tap sees, end where the slices do.
            unsafe {
                let mut factors = [simd.splat_f32s(0.0); V];
                for v in 0..V {
                    let factor = dy.as_ptr().add(i * c + v * lanes);
                    factors[v] = factor.cast::<S::f32s>().read_unaligned();
                }
                for k in 0..K {
                    for v in 0..V {
                        let value = x.as_ptr().add(i * step + k * c + v * lanes);
                        let value = value.cast::<S::f32s>().read_unaligned();
                        sums[k][v] = simd.mul_add_e_f32s(value, factors[v], sums[k][v]);
                    }
                }
            }
        }
        for k in 0..K {
            for v in 0..V {
                let at = k * c + channel + v * lanes;
                let sum = simd.add_f32s(load::<S>(self.line, at), sums[k][v]);
                store::<S>(self.line, at, sum);
            }
        }
    }

    /// Of any outputs and channels.
    #[inline(always)]
    fn some(&mut self, lines: Lines, outputs: Range<usize>, channels: Range<usize>) {
        let c = self.shape.cout;
        let of = |start: usize| start + channels.start..start + channels.end;
        for ox in outputs {
            let dy = &self.dy[of(lines.dy + ox * c)];
            for kx in self.columns.taps(ox) {
                let x = &self.x[of(lines.x + self.columns.input(ox, kx) * c)];
                let sums = &mut self.line[of(kx * c)];
                for (sum, (x, dy)) in sums.iter_mut().zip(x.iter().zip(dy)) {
                    *sum += x * dy;
                }
            }
        }
    }
}
