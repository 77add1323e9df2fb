//! Which taps meet the image, along one axis.

use std::ops::Range;

use crate::ops::conv2d::shape::Shape;

/// The output position that taps meet an input position from, for one axis.
pub(in crate::ops::conv2d) struct Axis {
    stride: usize,
    padding: usize,
    size: usize,
    taps: usize,
    outputs: usize,
}

impl Axis {
    pub fn rows(s: &Shape) -> Self {
        Axis {
            stride: s.stride,
            padding: s.padding[0],
            size: s.h,
            taps: s.kh,
            outputs: s.ho,
        }
    }

    pub fn columns(s: &Shape) -> Self {
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
    pub fn taps(&self, o: usize) -> Range<usize> {
        let first = o * self.stride;
        let start = self.padding.saturating_sub(first).min(self.taps);
        let end = (self.size + self.padding)
            .saturating_sub(first)
            .min(self.taps);
        start..end.max(start)
    }

    /// The output positions at which all taps meet the image.
    pub fn inside(&self) -> Range<usize> {
        let start = self.padding.div_ceil(self.stride);
        let last = (self.size + self.padding).checked_sub(self.taps);
        start..last.map_or(0, |last| self.outputs.min(last / self.stride + 1))
    }

    /// The input position under a tap that meets the image.
    #[inline(always)]
    pub fn input(&self, o: usize, tap: usize) -> usize {
        o * self.stride + tap - self.padding
    }

    /// The output position where `tap` meets input position `i`.
    #[inline(always)]
    pub fn output(&self, i: usize, tap: usize) -> Option<usize> {
        let first = (i + self.padding).checked_sub(tap)?;
        let o = first / self.stride;
        (first.is_multiple_of(self.stride) && o < self.outputs).then_some(o)
    }
}
