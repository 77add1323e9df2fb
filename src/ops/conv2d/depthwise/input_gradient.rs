//! The gradient of the input.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over indices are unrolled and compiled for the vectors at hand; iterators' closures may not be"
)]

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::axis::Axis;
use super::{convolve, multiplications};
use crate::ops::conv2d::finish::Finish;
use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::{Shared, filled, min_tasks};
use crate::ops::simd::{dispatch, store};

/// The gradient of the input from that of the output.
pub(in crate::ops::conv2d) fn input_gradient(s: &Shape, kernel: &[f32], dy: &[f32]) -> Vec<f32> {
    if let Some(flipped) = s.flipped() {
        let taps = kernel.chunks_exact(s.cout).rev();
        return convolve(
            &flipped,
            dy,
            &taps.collect::<Vec<_>>().concat(),
            Finish::default(),
        );
    }
    let (count, width) = (s.n * s.h, s.w * s.cin);
    let fill = |out: &Shared<'_>| {
        (0..count)
            .into_par_iter()
            .with_min_len(min_tasks(multiplications(s), count))
            .for_each(|row| {
                dispatch(Row {
                    shape: s,
                    rows: Axis::rows(s),
                    columns: Axis::columns(s),
                    kernel,
                    dy,
                    row,
                    // SAFETY: each task has its own row.
                    out: unsafe { out.slice(row * width..(row + 1) * width) },
                });
            });
    };
    // SAFETY: the rows cover the output, and each is written by its task.
    unsafe { filled(count * width, fill) }
}

/// A row of an image.
struct Row<'a> {
    shape: &'a Shape,
    rows: Axis,
    columns: Axis,
    kernel: &'a [f32],
    dy: &'a [f32],
    /// Counted over all images.
    row: usize,
    out: &'a mut [f32],
}

/// Where the outputs that see a pixel have their gradients, and what they see it with, both of channel 0.
type Taps = Vec<(usize, usize)>;

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (c, lanes) = (self.shape.cout, S::F32_LANES);
        let mut taps = Taps::with_capacity(self.shape.kh * self.shape.kw);
        for ix in 0..self.shape.w {
            self.list(ix, &mut taps);
            let out = &mut self.out[ix * c..][..c];
            let mut channel = 0;
            while channel + 4 * lanes <= c {
                block::<S, 4>(simd, self.kernel, self.dy, &taps, channel, out);
                channel += 4 * lanes;
            }
            while channel + lanes <= c {
                block::<S, 1>(simd, self.kernel, self.dy, &taps, channel, out);
                channel += lanes;
            }
            for channel in channel..c {
                let products = taps
                    .iter()
                    .map(|(dy, factor)| self.dy[dy + channel] * self.kernel[factor + channel]);
                out[channel] = products.sum();
            }
        }
    }
}

impl Row<'_> {
    /// The taps of a pixel.
    #[inline(always)]
    fn list(&self, ix: usize, taps: &mut Taps) {
        let s = self.shape;
        let (image, iy) = (self.row / s.h, self.row % s.h);
        taps.clear();
        for ky in 0..s.kh {
            let Some(oy) = self.rows.output(iy, ky) else {
                continue;
            };
            for kx in 0..s.kw {
                if let Some(ox) = self.columns.output(ix, kx) {
                    let pixel = (image * s.ho + oy) * s.wo + ox;
                    taps.push((pixel * s.cout, (ky * s.kw + kx) * s.cout));
                }
            }
        }
    }
}

/// `V` vectors of channels of a pixel.
#[inline(always)]
fn block<S: Simd, const V: usize>(
    simd: S,
    kernel: &[f32],
    dy: &[f32],
    taps: &Taps,
    channel: usize,
    out: &mut [f32],
) {
    let lanes = S::F32_LANES;
    let mut sums = [simd.splat_f32s(0.0); V];
    for (value, factor) in taps {
        let values = &dy[value + channel..][..V * lanes];
        let factors = &kernel[factor + channel..][..V * lanes];
        for v in 0..V {
            // SAFETY: both slices have V vectors.
            unsafe {
                let value = values.as_ptr().add(v * lanes);
                let factor = factors.as_ptr().add(v * lanes);
                sums[v] = simd.mul_add_e_f32s(
                    value.cast::<S::f32s>().read_unaligned(),
                    factor.cast::<S::f32s>().read_unaligned(),
                    sums[v],
                );
            }
        }
    }
    for v in 0..V {
        store::<S>(out, channel + v * lanes, sums[v]);
    }
}
