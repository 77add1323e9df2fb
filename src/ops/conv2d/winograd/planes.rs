//! Into and out of the 36 points: values of tiles and kernels lie in a plane a point, `[rows, channels]` each.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::tiling::{IN, OUT, POINTS, Pixels, Tiling};
use super::transform::{self, Transform, both_ways};
use crate::ops::cpu::Shared;
use crate::ops::simd::{load, relu, store};

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

    /// `channel` of `row` in each plane.
    #[inline(always)]
    fn load<S: Simd>(&self, simd: S, from: &[f32], row: usize, channel: usize) -> Square<S, IN> {
        let mut values = [[simd.splat_f32s(0.0); IN]; IN];
        for i in 0..IN {
            for j in 0..IN {
                let at = (i * IN + j) * self.stride() + row * self.channels + channel;
                values[i][j] = load::<S>(from, at);
            }
        }
        values
    }
}

type Square<S, const SIDE: usize> = [[<S as Simd>::f32s; SIDE]; SIDE];

/// Transforms tiles of images to planes, a tile a row; `PIXELS` tells a tile's pixels.
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
                let mut values = [[simd.splat_f32s(0.0); SIDE]; SIDE];
                for i in 0..SIDE {
                    for j in 0..SIDE {
                        if let Some(pixel) = pixels[i][j] {
                            values[i][j] = load::<S>(self.values, pixel * channels + channel);
                        }
                    }
                }
                let values = both_ways::<S, T, SIDE, IN>(simd, values);
                for i in 0..IN {
                    for j in 0..IN {
                        let at = (i * IN + j) * self.planes.stride() + row + channel;
                        // SAFETY: no other task writes this tile's rows.
                        let out = unsafe { self.out.slice(at..at + S::F32_LANES) };
                        store::<S>(out, 0, values[i][j]);
                    }
                }
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

impl WithSimd for ToOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.planes.rows {
            let pixels = self.tiling.outputs(self.first + row);
            for channel in (0..self.planes.channels).step_by(S::F32_LANES) {
                let sums = self.planes.load(simd, self.sums, row, channel);
                let sums = both_ways::<S, transform::Output, IN, OUT>(simd, sums);
                let channel = self.channel + channel;
                let bias = match self.bias {
                    Some(bias) => load::<S>(bias, channel),
                    None => simd.splat_f32s(0.0),
                };
                for i in 0..OUT {
                    for j in 0..OUT {
                        if let Some(pixel) = pixels[i][j] {
                            let sum = simd.add_f32s(sums[i][j], bias);
                            let sum = if self.relu { relu(simd, sum) } else { sum };
                            let at = pixel * self.cout + channel;
                            // SAFETY: no other task writes these channels of this tile.
                            store::<S>(unsafe { self.out.slice(at..at + S::F32_LANES) }, 0, sum);
                        }
                    }
                }
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

    /// Where tap (y, x) of the pair of channels lies, both counted from the part's first.
    #[inline(always)]
    fn at(&self, y: usize, x: usize, row: usize, channel: usize) -> usize {
        let (cin, cout) = (self.ins.start + row, self.outs.start + channel);
        ((y * 3 + x) * self.cin + cin) * self.cout + cout
    }
}

/// Transforms a part of a kernel to planes.
pub(super) struct FromKernel<'a> {
    pub kernel: &'a [f32],
    pub part: &'a KernelPart,
    pub out: &'a mut [f32],
}

impl WithSimd for FromKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let planes = self.part.planes();
        for row in 0..planes.rows {
            for channel in (0..planes.channels).step_by(S::F32_LANES) {
                let mut taps = [[simd.splat_f32s(0.0); 3]; 3];
                for y in 0..3 {
                    for x in 0..3 {
                        taps[y][x] = load::<S>(self.kernel, self.part.at(y, x, row, channel));
                    }
                }
                let values = both_ways::<S, transform::Kernel, 3, IN>(simd, taps);
                for i in 0..IN {
                    for j in 0..IN {
                        let at = (i * IN + j) * planes.stride() + row * planes.channels + channel;
                        store::<S>(self.out, at, values[i][j]);
                    }
                }
            }
        }
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
                let sums = planes.load(simd, self.sums, row, channel);
                let taps = both_ways::<S, transform::KernelGradient, IN, 3>(simd, sums);
                for y in 0..3 {
                    for x in 0..3 {
                        let at = self.start + self.part.at(y, x, row, channel);
                        // SAFETY: no other task writes this part.
                        store::<S>(
                            unsafe { self.out.slice(at..at + S::F32_LANES) },
                            0,
                            taps[y][x],
                        );
                    }
                }
            }
        }
    }
}
