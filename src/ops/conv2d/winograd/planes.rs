//! Into and out of the 36 points: values of tiles and kernels lie in a plane a point, `[rows, channels]` each. Here
//! those of tiles.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::tiling::{IN, OUT, POINTS, Pixels, Tiling};
use super::transform::{self, Sink, Source, Transform, both_ways};
use crate::ops::conv2d::finish::{Finish, OfChannels};
use crate::ops::cpu::Shared;
use crate::ops::simd::{load, prefetch, store};

/// Values between two planes beyond their own, so that the planes' rows fall on different sets of the cache.
const GAP: usize = 16;

/// Values ahead of their use at which a transform asks for its inputs.
const AHEAD: usize = 64;

/// Where the planes of `rows` × `channels` values lie.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    pub rows: usize,
    pub channels: usize,
}

impl Planes {
    /// Values from one plane to the next.
    pub fn stride(&self) -> usize {
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
pub(super) struct Column<V> {
    pub values: V,
    /// Values from one plane to the next.
    pub stride: usize,
    /// Where the vector lies in the first plane.
    pub at: usize,
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
        // SAFETY: no other task writes this tile's rows; vectors are of f32 values.
        unsafe { self.values.write_vector(at, value) };
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

/// A transform of tiles of images.
pub(super) trait OfTiles<const SIDE: usize>: Transform<SIDE, IN> {
    /// The pixels that a tile has.
    fn pixels(tiling: &Tiling, tile: usize) -> Pixels<SIDE>;
}

impl OfTiles<IN> for transform::Input {
    fn pixels(tiling: &Tiling, tile: usize) -> Pixels<IN> {
        tiling.inputs(tile)
    }
}

impl OfTiles<OUT> for transform::OutputGradient {
    fn pixels(tiling: &Tiling, tile: usize) -> Pixels<OUT> {
        tiling.outputs(tile)
    }
}

/// Transforms tiles of images to planes, a tile a row.
pub(super) struct FromTiles<'a, T, const SIDE: usize> {
    tiling: &'a Tiling,
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

impl<'a, T: OfTiles<SIDE>, const SIDE: usize> FromTiles<'a, T, SIDE> {
    /// Of some `tiles` of the images `values`; `first` is that of the planes' first row.
    pub fn new(
        tiling: &'a Tiling,
        values: &'a [f32],
        planes: Planes,
        first: usize,
        tiles: Range<usize>,
        out: &'a Shared<'a>,
    ) -> Self {
        FromTiles {
            tiling,
            values,
            planes,
            first,
            tiles,
            out,
            transform: PhantomData,
        }
    }
}

impl<T: OfTiles<SIDE>, const SIDE: usize> WithSimd for FromTiles<'_, T, SIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.planes.channels;
        let last = self.tiles.end - 1;
        let mut next = T::pixels(self.tiling, self.tiles.start);
        for tile in self.tiles.clone() {
            let pixels = next;
            next = T::pixels(self.tiling, last.min(tile + 1));
            let row = (tile - self.first) * channels;
            for channel in (0..channels).step_by(S::F32_LANES) {
                let (soon, at) = match channel + AHEAD {
                    ahead if ahead < channels => (&pixels, ahead),
                    beyond => (&next, beyond - channels),
                };
                for pixel in soon.as_flattened().iter().flatten() {
                    prefetch(self.values, pixel * channels + at);
                }
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

/// Transforms planes of sums back to tiles of the output, and finishes them.
pub(super) struct ToOutputs<'a> {
    pub tiling: &'a Tiling,
    pub sums: &'a [f32],
    pub planes: Planes,
    /// The tile of the planes' first row.
    pub first: usize,
    /// The output channel of the planes' first.
    pub channel: usize,
    pub finish: Finish<'a>,
    /// `[pixels, cout]`; no other task writes these tiles' channels.
    pub out: &'a Shared<'a>,
    pub cout: usize,
}

/// Some channels of a tile of the output.
struct OutputTile<'a, V> {
    pixels: &'a Pixels<OUT>,
    of_channels: OfChannels<V>,
    finish: Finish<'a>,
    out: &'a Shared<'a>,
    cout: usize,
    channel: usize,
}

impl<S: Simd> Sink<S> for OutputTile<'_, S::f32s> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, value: S::f32s) {
        if let Some(pixel) = self.pixels[row][column] {
            let at = self.finish.at(pixel, self.channel, self.cout);
            let sum = self.of_channels.apply(simd, value);
            let sum = self.finish.rest(simd, sum, at, S::F32_LANES);
            // SAFETY: no other task writes these channels of this tile; vectors are of f32 values.
            unsafe { self.out.write_vector(at, sum) };
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
                    of_channels: self.finish.of_channels(simd, channel, S::F32_LANES),
                    finish: self.finish,
                    out: self.out,
                    cout: self.cout,
                    channel,
                };
                both_ways::<S, transform::Output, IN, OUT>(simd, &from, &mut to);
            }
        }
    }
}
