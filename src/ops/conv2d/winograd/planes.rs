//! Into and out of the 36 points: values of tiles and kernels lie in a plane a point, `[rows, channels]` each.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::tiling::{IN, OUT, POINTS, Pixels, Tiling};
use super::transform::{self, Sink, Source, Transform, both_ways};
use crate::ops::cpu::Shared;
use crate::ops::simd::{LANES, load, prefetch, relu, store};

/// Values between two planes beyond their own, so that the planes' rows fall on different sets of the cache.
const GAP: usize = 16;

/// Where the planes of `rows` × `channels` values lie.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    pub rows: usize,
    pub channels: usize,
}

impl Planes {
    /// Values from one plane to the next.
    fn stride(&self) -> usize {
        self.rows * self.channels + GAP
    }

    /// Values of all planes.
    pub fn size(&self) -> usize {
        POINTS * self.stride()
    }

    /// The values of a point's plane.
    pub fn plane(&self, point: usize) -> Range<usize> {
        let start = point * self.stride();
        start..start + self.rows * self.channels
    }
}

/// The same vector of channels in all planes.
struct Column<V> {
    values: V,
    /// Values from one plane to the next.
    stride: usize,
    /// Where the vector lies in the first plane.
    at: usize,
}

impl<S: Simd> Source<S> for Column<&[f32]> {
    #[inline(always)]
    fn load(&self, _: S, row: usize, column: usize) -> S::f32s {
        load::<S>(self.values, (row * IN + column) * self.stride + self.at)
    }
}

impl<S: Simd> Sink<S> for Column<&mut [f32]> {
    #[inline(always)]
    fn store(&mut self, _: S, row: usize, column: usize, value: S::f32s) {
        let at = (row * IN + column) * self.stride + self.at;
        store::<S>(self.values, at, value);
    }
}

/// Of planes that several tasks fill, each its own rows.
impl<S: Simd> Sink<S> for Column<&Shared<'_>> {
    #[inline(always)]
    fn store(&mut self, _: S, row: usize, column: usize, value: S::f32s) {
        let at = (row * IN + column) * self.stride + self.at;
        // SAFETY: no other task writes this tile's rows.
        store::<S>(
            unsafe { self.values.slice(at..at + S::F32_LANES) },
            0,
            value,
        );
    }
}

/// Some channels of a tile's pixels; zero where it has none.
struct Tile<'a, const SIDE: usize> {
    /// `[pixels, channels]`
    values: &'a [f32],
    pixels: &'a Pixels<SIDE>,
    channels: usize,
    channel: usize,
}

impl<S: Simd, const SIDE: usize> Source<S> for Tile<'_, SIDE> {
    #[inline(always)]
    fn load(&self, simd: S, row: usize, column: usize) -> S::f32s {
        match self.pixels[row][column] {
            Some(pixel) => load::<S>(self.values, pixel * self.channels + self.channel),
            None => simd.splat_f32s(0.0),
        }
    }
}

/// Transforms tiles of images to planes, a tile a row; `pixels` tells a tile's pixels.
pub(super) struct FromTiles<'a, T, const SIDE: usize> {
    tiling: &'a Tiling,
    pixels: fn(&Tiling, usize) -> Pixels<SIDE>,
    /// `[pixels, channels]`
    values: &'a [f32],
    planes: Planes,
    /// The tile of the planes' first row.
    first: usize,
    tiles: Range<usize>,
    /// No other task writes these tiles.
    out: &'a Shared<'a>,
    transform: PhantomData<T>,
}

impl<'a> FromTiles<'a, transform::Input, IN> {
    /// Of the convolution's inputs.
    pub fn inputs(
        tiling: &'a Tiling,
        values: &'a [f32],
        planes: Planes,
        first: usize,
        tiles: Range<usize>,
        out: &'a Shared<'a>,
    ) -> Self {
        FromTiles {
            tiling,
            pixels: Tiling::inputs,
            values,
            planes,
            first,
            tiles,
            out,
            transform: PhantomData,
        }
    }
}

impl<'a> FromTiles<'a, transform::OutputGradient, OUT> {
    /// Of the gradients of its outputs.
    pub fn output_gradients(
        tiling: &'a Tiling,
        values: &'a [f32],
        planes: Planes,
        first: usize,
        tiles: Range<usize>,
        out: &'a Shared<'a>,
    ) -> Self {
        FromTiles {
            tiling,
            pixels: Tiling::outputs,
            values,
            planes,
            first,
            tiles,
            out,
            transform: PhantomData,
        }
    }
}

impl<T: Transform<SIDE, IN>, const SIDE: usize> WithSimd for FromTiles<'_, T, SIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.planes.channels;
        for tile in self.tiles.clone() {
            let pixels = (self.pixels)(self.tiling, tile);
            let row = (tile - self.first) * channels;
            for channel in (0..channels).step_by(S::F32_LANES) {
                let from = Tile {
                    values: self.values,
                    pixels: &pixels,
                    channels,
                    channel,
                };
                let mut to = Column {
                    values: self.out,
                    stride: self.planes.stride(),
                    at: row + channel,
                };
                both_ways::<S, T, SIDE, IN>(simd, &from, &mut to);
            }
        }
    }
}

/// Transforms planes of sums back to tiles of the output, adds the bias and applies ReLU.
pub(super) struct ToOutputs<'a> {
    pub tiling: &'a Tiling,
    pub sums: &'a [f32],
    pub planes: Planes,
    /// The tile of the planes' first row.
    pub first: usize,
    /// The output channel of the planes' first.
    pub channel: usize,
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    /// `[pixels, cout]`; no other task writes these tiles' channels.
    pub out: &'a Shared<'a>,
    pub cout: usize,
}

/// Some channels of a tile of the output.
struct OutputTile<'a, V> {
    pixels: &'a Pixels<OUT>,
    bias: V,
    relu: bool,
    out: &'a Shared<'a>,
    cout: usize,
    channel: usize,
}

impl<S: Simd> Sink<S> for OutputTile<'_, S::f32s> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, value: S::f32s) {
        if let Some(pixel) = self.pixels[row][column] {
            let sum = simd.add_f32s(value, self.bias);
            let sum = if self.relu { relu(simd, sum) } else { sum };
            let at = pixel * self.cout + self.channel;
            // SAFETY: no other task writes these channels of this tile.
            store::<S>(unsafe { self.out.slice(at..at + S::F32_LANES) }, 0, sum);
        }
    }
}

impl WithSimd for ToOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.planes.rows {
            let pixels = self.tiling.outputs(self.first + row);
            for channel in (0..self.planes.channels).step_by(S::F32_LANES) {
                let from = Column {
                    values: self.sums,
                    stride: self.planes.stride(),
                    at: row * self.planes.channels + channel,
                };
                let channel = self.channel + channel;
                let mut to = OutputTile {
                    pixels: &pixels,
                    bias: match self.bias {
                        Some(bias) => load::<S>(bias, channel),
                        None => simd.splat_f32s(0.0),
                    },
                    relu: self.relu,
                    out: self.out,
                    cout: self.cout,
                    channel,
                };
                both_ways::<S, transform::Output, IN, OUT>(simd, &from, &mut to);
            }
        }
    }
}

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
        // SAFETY: no other task writes this part of the kernel.
        store::<S>(
            unsafe { self.values.slice(at..at + S::F32_LANES) },
            0,
            value,
        );
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
