//! 3×3 convolutions of stride 1 by Winograd's F(4×4, 3×3): up to a quarter of the multiplications.
//!
//! Tiles of 4×4 outputs (6×6 inputs) and kernels are transformed to 36 points each; at every point, the
//! tiles × channels of the input times the channels × channels of the kernel are a matrix product; its
//! result is transformed back (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015).

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over indices are unrolled and compiled for the vectors at hand; iterators' closures may not be"
)]

mod forward;
mod kernel;
mod kernel_gradient;
mod planes;
mod product;
mod tiling;
mod transform;

use std::ops::Range;

pub(super) use forward::{convolve, fill};
pub(super) use kernel::Kernel;
pub(super) use kernel_gradient::kernel_gradient;

use super::shape::Shape;
use crate::ops::matrix::split;
use crate::ops::simd::LANES;
use crate::ops::{Passes, Scratch};
use planes::Planes;
use tiling::{POINTS, TILE_BLOCK, Tiling};

/// Fewer channels than this are not worth the transforms.
const MIN_CHANNELS: usize = 32;
/// The multiplications saved that are, as a ratio; measured on AVX2 and AVX-512.
const MIN_GAIN: usize = 2;

/// Channels of the kernel a task transforms at a time, each way, so that they stay in the second-level cache.
const CHANNEL_BLOCK: usize = 64;

/// Whether this way is faster; the same for any batch.
pub(super) fn pays(s: &Shape) -> bool {
    let channels = |count: usize| count >= MIN_CHANNELS && count.is_multiple_of(LANES);
    s.groups == 1
        && s.kh == 3
        && s.kw == 3
        && s.stride == 1
        && channels(s.cin)
        && channels(s.cout)
        && s.useful_products() >= MIN_GAIN * POINTS * Tiling::new(s).per_image()
}

/// Channels in parts of about equal length.
fn channel_blocks(channels: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    split(0..channels / LANES, CHANNEL_BLOCK / LANES).map(|r| r.start * LANES..r.end * LANES)
}

/// The scratch memory of tasks: blocks of tiles with all their channels, and in each, parts of the channels.
pub(super) fn scratch(s: &Shape, passes: Passes) -> Scratch {
    let rows = Tiling::new(s).tiles().min(TILE_BLOCK);
    let [ins, outs] = [s.cin, s.cout].map(|channels| Planes { rows, channels });
    let block = match passes {
        Passes::Forward => ins.size(),
        Passes::Both => ins.size() + outs.size(),
    };
    let of_part = |rows| Planes {
        rows,
        channels: CHANNEL_BLOCK.min(s.cout),
    };
    Scratch {
        task: block,
        // A thread that waits for the parts of its task computes those of others.
        part: 2 * (of_part(rows).size() + of_part(CHANNEL_BLOCK.min(s.cin)).size()),
        shared: 0,
    }
}
