//! Resampling with antialias to the very pixels of Pillow: `ImagingResampleInner` in its `src/libImaging/Resample.c`.
//!
//! Along rows and columns one after the other, rounded to bytes between; weights are whole numbers. Where the rows come
//! first is Pillow 13's rule; before, the columns always did. (`fast_image_resize` always takes the rows first, so that
//! bicubic's overshoot is cut elsewhere: up to 17 of 255 away from Pillow.)

use std::ops::Range;

use crate::ops::resample::{self, Filter};
use crate::spec::Interpolation;

/// Bits behind the point of a weight; `PRECISION_BITS`.
const PRECISION: u32 = 32 - 8 - 2;
/// What is added so that cutting these bits off rounds.
const HALF: i32 = 1 << (PRECISION - 1);

/// The pixels along one axis of the input that a pixel of the output is a weighted mean of, from `start` on.
struct Span {
    start: usize,
    weights: Vec<i32>,
}

/// Where a resized image, or a part of it, lies in what the network takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Height and width of the whole resized image.
    pub resized: (usize, usize),
    /// The rows of it that are kept.
    pub rows: Range<usize>,
    /// The columns of it that are kept.
    pub columns: Range<usize>,
    /// Where they begin in it: from the top, and from the left.
    pub at: (usize, usize),
    /// How wide it is.
    pub width: usize,
}

/// Resamples images of one size into a frame.
pub struct Resampler {
    width: usize,
    /// The rows of the input that count.
    needed: Range<usize>,
    /// From the first of these on.
    rows: Vec<Span>,
    columns: Vec<Span>,
    /// Whether the rows come first, as in Pillow where far more of them are left out than of the columns.
    rows_first: bool,
    at: (usize, usize),
    /// Of what the network takes.
    to_width: usize,
}

impl Resampler {
    /// For images of `height` × `width`, none of them 0.
    pub fn new(
        (height, width): (usize, usize),
        frame: &Frame,
        interpolation: Interpolation,
    ) -> Self {
        let (to_height, to_width) = frame.resized;
        let fewer = |from: usize, to: usize| from as i64 - to as i64;
        let fewer_rows = fewer(height, to_height);
        let mut rows = spans(height, to_height, frame.rows.clone(), interpolation);
        // The rows above and below are nobody's.
        let first = rows.iter().map(|span| span.start).min().unwrap_or(0);
        rows.iter_mut().for_each(|span| span.start -= first);
        let ends = rows.iter().map(|span| span.start + span.weights.len());
        Resampler {
            width,
            needed: first..first + ends.max().unwrap_or(0),
            rows,
            columns: spans(width, to_width, frame.columns.clone(), interpolation),
            rows_first: fewer_rows > 0 && fewer_rows > 2 * fewer(width, to_width),
            at: frame.at,
            to_width: frame.width,
        }
    }

    /// Resamples `image` (`[height, width, C]`) into `out` (`[…, frame.width, C]`), black where the frame leaves room, with
    /// `between` as working memory.
    pub fn resample<const C: usize>(&self, image: &[u8], between: &mut Vec<u8>, out: &mut [u8]) {
        between.clear();
        out.fill(0);
        let (top, left) = self.at;
        let lines = out.chunks_exact_mut((self.to_width * C).max(1)).skip(top);
        let lines = lines.map(|line| &mut line[left * C..][..self.columns.len() * C]);
        let image = &image[self.needed.start * self.width * C..];
        if self.rows_first {
            let stride = self.width * C;
            between.resize(self.rows.len() * stride, 0);
            down(image, &self.rows, between.chunks_exact_mut(stride.max(1)));
            let rows = between.chunks_exact(stride.max(1));
            rows.zip(lines)
                .for_each(|(row, line)| across::<C>(row, &self.columns, line));
        } else {
            let stride = self.columns.len() * C;
            between.resize(self.needed.len() * stride, 0);
            let rows = image.chunks_exact((self.width * C).max(1));
            let wide = between.chunks_exact_mut(stride.max(1));
            rows.zip(wide)
                .for_each(|(row, wide)| across::<C>(row, &self.columns, wide));
            down(between, &self.rows, lines);
        }
    }
}

/// `ImagingResampleHorizontal_8bpc` for a row.
fn across<const C: usize>(row: &[u8], columns: &[Span], out: &mut [u8]) {
    let (pixels, _) = row.as_chunks::<C>();
    let (out, _) = out.as_chunks_mut::<C>();
    for (out, span) in out.iter_mut().zip(columns) {
        *out = mean(&pixels[span.start..], &span.weights);
    }
}

/// `ImagingResampleVertical_8bpc` from rows that are as long as the lines.
fn down<'a>(image: &[u8], rows: &[Span], lines: impl Iterator<Item = &'a mut [u8]>) {
    let mut sums = Vec::new();
    for (line, span) in lines.zip(rows) {
        sums.clear();
        sums.resize(line.len(), HALF);
        let below = image.chunks_exact(line.len().max(1)).skip(span.start);
        for (row, weight) in below.zip(&span.weights) {
            let values = sums.iter_mut().zip(row);
            values.for_each(|(sum, value)| *sum += weight * i32::from(*value));
        }
        let values = line.iter_mut().zip(&sums);
        values.for_each(|(out, sum)| *out = byte(*sum));
    }
}

fn mean<const C: usize>(pixels: &[[u8; C]], weights: &[i32]) -> [u8; C] {
    let mut sums = [HALF; C];
    for (pixel, weight) in pixels.iter().zip(weights) {
        for c in 0..C {
            sums[c] += weight * i32::from(pixel[c]);
        }
    }
    sums.map(byte)
}

/// `clip8`
fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// `normalize_coeffs_8bpc` for some of the pixels along an axis that goes `from` → `to`.
fn spans(from: usize, to: usize, kept: Range<usize>, interpolation: Interpolation) -> Vec<Span> {
    let filter = match interpolation {
        Interpolation::Bilinear => Filter::Triangle,
        Interpolation::Bicubic => Filter::Cubic,
    };
    let whole = |weight: f64| (weight * f64::from(1 << PRECISION)).round() as i32;
    let span = |at: usize| {
        let resample::Span { start, weights } = resample::Span::new(at, (from, to), filter);
        Span {
            start,
            weights: weights.into_iter().map(whole).collect(),
        }
    };
    kept.map(span).collect()
}
