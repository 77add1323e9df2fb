//! Where in the image the taps of output positions lie.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use crate::ops::conv2d::shape::Shape;
use crate::ops::matrix::{MAX_DEPTH, split};

/// Channels up to which a row of taps is read as one run, from an image with its padding.
const FEW_CHANNELS: usize = 16;

/// An image batch, and how taps find their values in it.
pub(super) struct Places<'a> {
    shape: Shape,
    /// `[n, height, width, cin]`
    values: Cow<'a, [f32]>,
    height: usize,
    width: usize,
    /// Pixels of zero above, and to the left, that are not in `values`.
    padding: [usize; 2],
    /// Whether a kernel's row is one tap.
    by_rows: bool,
    /// What taps outside the image see.
    zeros: Vec<f32>,
}

/// The taps of some output positions.
pub(super) struct Pointers<'a> {
    /// Of each tap the places of all positions; beyond the last position its own again.
    at: Vec<*const f32>,
    /// Where they point to.
    values: PhantomData<&'a [f32]>,
    /// Positions, rounded up.
    pub positions: usize,
    pub taps: usize,
    /// Values under a tap, of a group.
    pub run: usize,
}

/// Some terms of every sum: of each of these taps these values.
pub(super) struct Depth {
    pub taps: Range<usize>,
    pub run: Range<usize>,
}

/// What the sums of a few positions go over.
pub(super) struct Terms<'a> {
    pub places: &'a Pointers<'a>,
    /// The first of the positions.
    pub first: usize,
    /// Values of the groups before, at each place.
    pub skipped: usize,
    /// The panel's: a row of its vectors for each value of each tap.
    pub kernel: &'a [f32],
    pub depth: &'a Depth,
}

impl Pointers<'_> {
    /// All terms, in their order, in parts of at most [`MAX_DEPTH`]: those of a panel stay in the first-level cache.
    pub fn parts(&self) -> Vec<Depth> {
        if self.run > MAX_DEPTH {
            let of_tap = |tap| split(0..self.run, MAX_DEPTH).map(move |run| (tap..tap + 1, run));
            let parts = (0..self.taps).flat_map(of_tap);
            return parts.map(|(taps, run)| Depth { taps, run }).collect();
        }
        let parts = split(0..self.taps, (MAX_DEPTH / self.run).max(1));
        let of_part = |taps| Depth {
            taps,
            run: 0..self.run,
        };
        parts.map(of_part).collect()
    }

    /// Where a tap's values of the positions from `position` on are listed.
    #[inline(always)]
    pub fn of(&self, tap: usize, position: usize) -> &[*const f32] {
        &self.at[tap * self.positions + position..]
    }
}

impl<'a> Places<'a> {
    /// Of the batch `x`.
    pub fn new(s: &Shape, x: Cow<'a, [f32]>) -> Self {
        let [height, width] = reach(s);
        if !is_by_rows(s) {
            return Places {
                shape: *s,
                values: x,
                height: s.h,
                width: s.w,
                padding: s.padding,
                by_rows: false,
                zeros: vec![0.0; s.cin],
            };
        }
        let (values, height, width) = match is_inside(s) {
            true => (x, s.h, s.w),
            false => (Cow::Owned(padded(s, &x, height, width)), height, width),
        };
        Places {
            shape: *s,
            values,
            height,
            width,
            padding: [0, 0],
            by_rows: true,
            zeros: Vec::new(),
        }
    }

    /// Values of the images with padding, where those are made.
    pub fn copied(s: &Shape) -> usize {
        let [height, width] = reach(s);
        match is_by_rows(s) && !is_inside(s) {
            true => s.n * height * width * s.cin,
            false => 0,
        }
    }

    /// The taps of output positions, listed up to a multiple of `step`.
    pub fn of(&self, positions: &Range<usize>, step: usize) -> Pointers<'_> {
        let s = &self.shape;
        let (columns, run) = match self.by_rows {
            true => (1, s.kw * s.cin),
            false => (s.kw, s.cin / s.groups),
        };
        let taps = s.kh * columns;
        let listed = positions.len().next_multiple_of(step);
        // What lies under a tap, of all groups.
        let seen = run * s.groups;
        // Of each position its image's first line, and the line and the column of its first tap.
        let mut first = Vec::with_capacity(listed);
        let (mut ox, row) = (positions.start % s.wo, positions.start / s.wo);
        let (mut oy, mut image) = (row % s.ho, row / s.ho);
        for i in 0..listed {
            let y = (oy * s.stride).wrapping_sub(self.padding[0]);
            let x = (ox * s.stride).wrapping_sub(self.padding[1]);
            first.push((image * self.height, y, x));
            if i + 1 < positions.len() {
                ox += 1;
                if ox == s.wo {
                    (ox, oy) = (0, oy + 1);
                }
                if oy == s.ho {
                    (oy, image) = (0, image + 1);
                }
            }
        }
        let mut at = Vec::with_capacity(taps * listed);
        for ky in 0..s.kh {
            for kx in 0..columns {
                at.extend(first.iter().map(|(line, y, x)| {
                    let (y, x) = (y.wrapping_add(ky), x.wrapping_add(kx));
                    let values = if y < self.height && x < self.width {
                        let start = ((line + y) * self.width + x) * s.cin;
                        &self.values[start..start + seen]
                    } else {
                        &self.zeros[..seen]
                    };
                    values.as_ptr()
                }));
            }
        }
        Pointers {
            at,
            values: PhantomData,
            positions: listed,
            taps,
            run,
        }
    }
}

/// Lines and pixels that taps reach, padding included.
fn reach(s: &Shape) -> [usize; 2] {
    let reach = |outputs: usize, taps: usize| (outputs - 1) * s.stride + taps;
    [reach(s.ho, s.kh), reach(s.wo, s.kw)]
}

/// Whether taps meet nothing but the image.
fn is_inside(s: &Shape) -> bool {
    let [height, width] = reach(s);
    s.padding == [0, 0] && height <= s.h && width <= s.w
}

/// Whether a row of the kernel is read as one run.
fn is_by_rows(s: &Shape) -> bool {
    s.groups == 1 && s.kw > 1 && (is_inside(s) || s.cin <= FEW_CHANNELS)
}

/// The images with their padding, cut to what the taps reach.
fn padded(s: &Shape, x: &[f32], height: usize, width: usize) -> Vec<f32> {
    let [top, left] = s.padding;
    let line = width * s.cin;
    let mut values = vec![0f32; s.n * height * line];
    let lines = values.par_chunks_mut(line).enumerate();
    lines.with_min_len(64).for_each(|(i, to)| {
        let (image, y) = (i / height, (i % height).wrapping_sub(top));
        if y < s.h {
            let columns = s.w.min(width - left.min(width));
            let from = &x[((image * s.h + y) * s.w) * s.cin..][..columns * s.cin];
            to[left * s.cin..][..from.len()].copy_from_slice(from);
        }
    });
    values
}
