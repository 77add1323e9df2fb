//! Into and out of the 36 points, parts of kernels and of their gradients.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::planes::{Column, Planes};
use super::tiling::IN;
use super::transform::{self, Sink, Source, both_ways};
use crate::ops::cpu::Shared;
use crate::ops::simd::{LANES, load, prefetch};

/// A part of a kernel `[3, 3, cin, cout]`: some channels in × some channels out.
#[derive(Clone)]
pub(super) struct KernelPart {
    pub cin: usize,
    pub cout: usize,
    pub ins: Range<usize>,
    pub outs: Range<usize>,
}

impl KernelPart {
    /// Channels in are the rows.
    pub fn planes(&self) -> Planes {
        Planes {
            rows: self.ins.len(),
            channels: self.outs.len(),
        }
    }
}

/// The taps of a channel in with some channels out.
struct Taps<V> {
    values: V,
    /// Values from one tap to the next.
    stride: usize,
    /// Where the first tap lies.
    at: usize,
}

impl<V> Taps<V> {
    /// `row` and `channel` are counted from the part's first.
    #[inline(always)]
    fn new(values: V, part: &KernelPart, row: usize, channel: usize) -> Self {
        Taps {
            values,
            stride: part.cin * part.cout,
            at: (part.ins.start + row) * part.cout + part.outs.start + channel,
        }
    }
}

impl<S: Simd> Source<S> for Taps<&[f32]> {
    #[inline(always)]
    fn load(&self, _: S, row: usize, column: usize) -> S::f32s {
        load::<S>(self.values, (row * 3 + column) * self.stride + self.at)
    }
}

impl<S: Simd> Sink<S> for Taps<&Shared<'_>> {
    #[inline(always)]
    fn store(&mut self, _: S, row: usize, column: usize, value: S::f32s) {
        let at = (row * 3 + column) * self.stride + self.at;
        // SAFETY: no other task writes this part of the kernel; vectors are of f32 values.
        unsafe { self.values.write_vector(at, value) };
    }
}

/// A kernel, and what of it is used.
#[derive(Clone, Copy)]
pub(in crate::ops::conv2d) enum Kernel<'a> {
    /// `[3, 3, cin, cout]`, as it is.
    Plain(&'a [f32]),
    /// `[3, 3, cout, cin]`, flipped in space and its channels swapped.
    Flipped(&'a [f32]),
}

/// Transforms a part of a kernel to planes.
pub(super) struct FromKernel<'a> {
    pub kernel: Kernel<'a>,
    pub part: &'a KernelPart,
    pub out: &'a mut [f32],
}

impl WithSimd for FromKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.kernel {
            Kernel::Plain(kernel) => self.plain(simd, kernel),
            Kernel::Flipped(kernel) => self.flipped(simd, kernel),
        }
    }
}

impl FromKernel<'_> {
    #[inline(always)]
    fn plain<S: Simd>(&mut self, simd: S, kernel: &[f32]) {
        /// Rows ahead of their use that are asked for.
        const AHEAD: usize = 2;
        let planes = self.part.planes();
        for row in 0..planes.rows {
            for channel in (0..planes.channels).step_by(S::F32_LANES) {
                let soon = Taps::new(kernel, self.part, row + AHEAD, channel);
                for tap in 0..9 {
                    prefetch(kernel, soon.at + tap * soon.stride);
                }
                let from = Taps::new(kernel, self.part, row, channel);
                self.transform(simd, &from, row, channel);
            }
        }
    }

    /// Squares of [`LANES`] × [`LANES`] channels are swapped in memory that stays near.
    #[inline(always)]
    fn flipped<S: Simd>(&mut self, simd: S, kernel: &[f32]) {
        let planes = self.part.planes();
        let &KernelPart { cin, cout, .. } = self.part;
        let mut square = [[[0f32; LANES]; LANES]; 9];
        for channel in (0..planes.channels).step_by(LANES) {
            for row in (0..planes.rows).step_by(LANES) {
                for (tap, square) in square.iter_mut().rev().enumerate() {
                    for c in 0..LANES {
                        let from = (tap * cout + self.part.outs.start + channel + c) * cin
                            + self.part.ins.start
                            + row;
                        prefetch(kernel, from + LANES);
                        let from = &kernel[from..from + LANES];
                        for r in 0..LANES {
                            square[r][c] = from[r];
                        }
                    }
                }
                for r in 0..LANES {
                    for c in (0..LANES).step_by(S::F32_LANES) {
                        let from = Taps {
                            values: square.as_flattened().as_flattened(),
                            stride: LANES * LANES,
                            at: r * LANES + c,
                        };
                        self.transform(simd, &from, row + r, channel + c);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn transform<S: Simd>(&mut self, simd: S, from: &Taps<&[f32]>, row: usize, channel: usize) {
        let planes = self.part.planes();
        let mut to = Column {
            values: &mut *self.out,
            stride: planes.stride(),
            at: row * planes.channels + channel,
        };
        both_ways::<S, transform::Kernel, 3, IN>(simd, from, &mut to);
    }
}

/// Transforms planes of sums back to a part of the kernel's gradient.
pub(super) struct ToKernelGradient<'a> {
    pub sums: &'a [f32],
    pub part: &'a KernelPart,
    /// The whole gradient; no other task writes this part.
    pub out: &'a Shared<'a>,
    /// Where the gradient starts in `out`.
    pub start: usize,
}

impl WithSimd for ToKernelGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let planes = self.part.planes();
        for row in 0..planes.rows {
            for channel in (0..planes.channels).step_by(S::F32_LANES) {
                let from = Column {
                    values: self.sums,
                    stride: planes.stride(),
                    at: row * planes.channels + channel,
                };
                let mut to = Taps::new(self.out, self.part, row, channel);
                to.at += self.start;
                both_ways::<S, transform::KernelGradient, IN, 3>(simd, &from, &mut to);
            }
        }
    }
}
