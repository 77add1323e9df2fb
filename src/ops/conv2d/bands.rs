//! Which convolutions are computed band by band ([`super::banded`]), and how much of what lies between is kept.

use super::shape::Shape;
use crate::ops::scratch::Scratch;

/// Values between the two that are kept at a time, if that is enough for a row of the output.
const KEPT: usize = 96 * 1024;
/// Output positions of an image from which on many of its rows share what is read of the kernel.
const MIN_POSITIONS: usize = 14 * 14;
/// Whether two such convolutions are worth it on a map of so many positions.
pub fn are_bands_worth(positions: usize) -> bool {
    positions >= MIN_POSITIONS
}

/// What a task keeps of what lies between, where the second convolution is of these sizes.
pub(super) fn scratch(s: &Shape) -> Scratch {
    let task = match are_bands_worth(s.h * s.w) {
        true => kept(s) * s.w * s.cin,
        false => 0,
    };
    Scratch {
        task,
        ..Scratch::default()
    }
}

/// Lines between the two that are kept at a time, of the second's sizes.
pub(super) fn kept(s: &Shape) -> usize {
    (KEPT / (s.w * s.cin)).max(s.kh + s.stride).min(s.h)
}
