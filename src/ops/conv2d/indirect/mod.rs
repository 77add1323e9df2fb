//! Convolutions without a matrix of the image: each output position knows where in the image its taps lie
//! (Dukhan, "The Indirect Convolution Algorithm", 2019).
//!
//! A sum goes over the taps and channels in the kernel's order, on its own and in parts of a length that the kernel alone
//! decides, so that its bits depend neither on what is computed beside it nor on the width of vectors.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over indices are unrolled and compiled for the vectors at hand; iterators' closures may not be"
)]

mod block;
mod packed;
mod pairs;
mod places;

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::finish::Finish;
use super::shape::Shape;
use crate::ops::cpu::{Shared, filled, min_tasks, with_scratch};
use crate::ops::matrix::{MAX_DEPTH, Matrix, split};
use crate::ops::scratch::Scratch;
use crate::ops::simd::{LANES, dispatch};
use block::{Outputs, Tile};
use packed::Packed;
use pairs::Words;
use places::Places;

/// Values of the image that a tile's positions see, at most: they stay in the second-level cache.
const TILE_VALUES: usize = 48 * 1024;
/// Positions of a tile: a multiple of what is computed at once with any vectors.
const POSITIONS: usize = 24;
/// Most positions of a tile.
const MAX_POSITIONS: usize = 192;
/// Fewer tasks than this are split over channels too.
const MIN_TASKS: usize = 16;

/// A convolution, ready to be computed part by part.
pub(super) struct Product<'a> {
    /// Of words, where the values are [`pairs`].
    shape: Shape,
    are_pairs: bool,
    packed: Packed,
    places: Places<'a>,
    finish: Finish<'a>,
}

impl<'a> Product<'a> {
    /// Of `x` with `kernel`, a `[depth / groups, cout]` matrix.
    pub fn new(shape: &Shape, x: &'a [f32], kernel: Matrix<'_>, finish: Finish<'a>) -> Self {
        if let Some(Words { shape, x, kernel }) = Words::of(shape, x, kernel) {
            let kernel = Matrix::new(&kernel, shape.depth() / shape.groups, shape.cout);
            return Product {
                are_pairs: true,
                ..Product::of(&shape, Cow::Owned(x), kernel, finish)
            };
        }
        Product::of(shape, Cow::Borrowed(x), kernel, finish)
    }

    fn of(shape: &Shape, x: Cow<'a, [f32]>, kernel: Matrix<'_>, finish: Finish<'a>) -> Self {
        Product {
            shape: *shape,
            are_pairs: false,
            packed: Packed::new(shape, kernel),
            places: Places::new(shape, x),
            finish,
        }
    }

    /// The panels of all channels.
    pub fn all(&self) -> Range<usize> {
        0..self.packed.panels()
    }

    /// Output positions that are best computed at a time, at most.
    pub fn positions(&self) -> usize {
        positions(&self.shape)
    }

    /// Computes panels of channels of output positions; `out` begins with position `origin`.
    ///
    /// # Safety
    /// No other task may touch these positions' channels of `out` at the same time.
    pub unsafe fn compute(
        &self,
        positions: &Range<usize>,
        panels: &Range<usize>,
        origin: usize,
        out: &Shared<'_>,
    ) {
        let (s, finish) = (&self.shape, self.finish);
        let pointers = self.places.of(positions, POSITIONS);
        let parts = pointers.parts();
        let of = Outputs {
            shape: s,
            are_pairs: self.are_pairs,
            packed: &self.packed,
            places: &pointers,
            positions: positions.clone(),
            panels: panels.clone(),
            finish,
            origin,
            out,
        };
        let size = if parts.len() > 1 { of.count() } else { 0 };
        with_scratch(size, |kept| {
            dispatch(Tile {
                of,
                parts: &parts,
                kept,
            });
        });
        if finish.later().is_some() {
            let channels = self.packed.channels(panels);
            // Those of all channels lie side by side.
            let (lines, width) = match channels.len() == finish.width(s.cout) {
                true => (1, positions.len() * s.cout),
                false => (positions.len(), channels.len()),
            };
            for line in 0..lines {
                let at = finish.at(positions.start - origin + line, channels.start, s.cout);
                // SAFETY: by this function's contract.
                finish.apply_function(unsafe { out.slice(at..at + width) });
            }
        }
    }
}

/// Convolves `x` with `kernel`, a `[depth / groups, cout]` matrix.
pub(in crate::ops) fn convolve(
    s: &Shape,
    x: &[f32],
    kernel: Matrix<'_>,
    finish: Finish<'_>,
) -> Vec<f32> {
    // SAFETY: all positions and channels are filled, and nothing else is at work on them.
    unsafe { filled(s.rows() * s.cout, |out| fill(s, x, kernel, finish, out)) }
}

/// As [`convolve`], to where `finish` says.
///
/// # Safety
/// No other task may touch these columns of `out` at the same time.
pub(super) unsafe fn fill(
    s: &Shape,
    x: &[f32],
    kernel: Matrix<'_>,
    finish: Finish<'_>,
    out: &Shared<'_>,
) {
    let product = Product::new(s, x, kernel, finish);
    let tasks = tasks(&product.shape, product.packed.panels());
    let min = min_tasks(s.multiplications(), tasks.len());
    tasks
        .par_iter()
        .with_min_len(min)
        // SAFETY: each task has its own positions and channels.
        .for_each(|(positions, panels)| unsafe {
            product.compute(positions, panels, 0, out);
        });
}

/// What [`convolve`] takes for itself: the kernel and where needed the padded images, and of a task sums of all channels
/// and places.
pub(super) fn scratch(s: &Shape) -> Scratch {
    /// Values that a place takes as much memory as.
    const PLACE: usize = 2;
    let positions = positions(s);
    let sums = if s.depth() > MAX_DEPTH {
        s.cout.next_multiple_of(2 * LANES)
    } else {
        0
    };
    Scratch {
        task: positions * (sums + PLACE * s.kh * s.kw),
        part: 0,
        shared: s.depth() / s.groups * s.cout.next_multiple_of(2 * LANES) + Places::copied(s),
    }
}

/// Most output positions of a task.
fn positions(s: &Shape) -> usize {
    let fits = TILE_VALUES / s.depth().clamp(1, MAX_DEPTH);
    fits.clamp(POSITIONS, MAX_POSITIONS) / POSITIONS * POSITIONS
}

/// Output positions and panels of channels of each task.
fn tasks(s: &Shape, panels: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let rows = s.rows();
    let tile = positions(s);
    let tiles = rows.div_ceil(tile);
    let parts = MIN_TASKS.div_ceil(tiles).min(panels);
    (0..tiles)
        .map(|i| i * tile..rows.min((i + 1) * tile))
        .flat_map(|positions| {
            split(0..panels, panels.div_ceil(parts)).map(move |panels| (positions.clone(), panels))
        })
        .collect()
}
