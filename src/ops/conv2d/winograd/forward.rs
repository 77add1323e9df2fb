//! The convolution itself; with a flipped kernel, the gradient of its input.

use std::ops::Range;

use rayon::prelude::*;

use super::channel_blocks;
use super::kernel::{FromKernel, Kernel, KernelPart};
use super::planes::{FromTiles, Planes, ToOutputs};
use super::product::Product;
use super::tiling::{POINTS, TILE_BLOCK, Tiling};
use super::transform;
use crate::ops::conv2d::finish::Finish;
use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::{Shared, filled, with_scratch};
use crate::ops::matrix::split;
use crate::ops::simd::dispatch;

/// Tiles transformed by a task.
pub(super) const TRANSFORM_BLOCK: usize = 8;

/// Convolves `x` with `kernel`.
pub(in crate::ops::conv2d) fn convolve(
    s: &Shape,
    x: &[f32],
    kernel: Kernel<'_>,
    finish: Finish<'_>,
) -> Vec<f32> {
    // SAFETY: all outputs are filled, and nothing else is at work on them.
    let mut y = unsafe { filled(s.rows() * s.cout, |out| fill(s, x, kernel, finish, out)) };
    finish.apply_function_to_all(&mut y);
    y
}

/// As [`convolve`], to where `finish` says, all but [`Finish::later`].
///
/// # Safety
/// No other task may touch these columns of `out` at the same time.
pub(in crate::ops::conv2d) unsafe fn fill(
    s: &Shape,
    x: &[f32],
    kernel: Kernel<'_>,
    finish: Finish<'_>,
    out: &Shared<'_>,
) {
    let tiling = Tiling::new(s);
    let convolution = Convolution {
        shape: s,
        tiling,
        kernel,
        finish,
        out,
    };
    // The tiles cover the outputs, and the blocks of channels all channels.
    let blocks: Vec<Range<usize>> = split(0..tiling.tiles(), TILE_BLOCK).collect();
    blocks
        .into_par_iter()
        .for_each(|tiles| convolution.block(x, &tiles));
}

/// Transforms the inputs of `tiles` to planes, in parallel.
pub(super) fn transform_inputs(
    tiling: &Tiling,
    x: &[f32],
    planes: Planes,
    tiles: &Range<usize>,
    out: &mut [f32],
) {
    let out = Shared::new(out);
    let parts: Vec<Range<usize>> = split(tiles.clone(), TRANSFORM_BLOCK).collect();
    parts.into_par_iter().for_each(|part| {
        dispatch(FromTiles::<transform::Input, _>::new(
            tiling,
            x,
            planes,
            tiles.start,
            part,
            &out,
        ));
    });
}

struct Convolution<'a> {
    shape: &'a Shape,
    tiling: Tiling,
    kernel: Kernel<'a>,
    finish: Finish<'a>,
    out: &'a Shared<'a>,
}

impl Convolution<'_> {
    fn block(&self, x: &[f32], tiles: &Range<usize>) {
        let planes = Planes {
            rows: tiles.len(),
            channels: self.shape.cin,
        };
        with_scratch(planes.size(), |inputs| {
            transform_inputs(&self.tiling, x, planes, tiles, inputs);
            let inputs = &*inputs;
            let outs: Vec<Range<usize>> = channel_blocks(self.shape.cout).collect();
            outs.into_par_iter()
                .for_each(|outs| self.compute(inputs, planes, tiles, outs));
        });
    }

    /// The channels `outs` of the tiles whose transformed inputs are given.
    fn compute(&self, inputs: &[f32], from: Planes, tiles: &Range<usize>, outs: Range<usize>) {
        let to = Planes {
            rows: tiles.len(),
            channels: outs.len(),
        };
        let parts = channel_blocks(self.shape.cin).map(|ins| KernelPart {
            cin: self.shape.cin,
            cout: self.shape.cout,
            ins,
            outs: outs.clone(),
        });
        let largest = parts.clone().map(|part| part.planes().size()).max();
        with_scratch(to.size() + largest.unwrap_or(0), |scratch| {
            let (sums, weights) = scratch.split_at_mut(to.size());
            for part in parts {
                let planes = part.planes();
                dispatch(FromKernel {
                    kernel: self.kernel,
                    part: &part,
                    out: weights,
                });
                for point in 0..POINTS {
                    Product {
                        rows: tiles.len(),
                        depth: planes.rows,
                        columns: to.channels,
                        a: &inputs[from.plane(point)][part.ins.start..],
                        a_row: from.channels,
                        a_depth: 1,
                        b: &weights[planes.plane(point)],
                        b_row: planes.channels,
                        out: &mut sums[to.plane(point)],
                        out_row: to.channels,
                        accumulate: part.ins.start > 0,
                    }
                    .compute();
                }
            }
            dispatch(ToOutputs {
                tiling: &self.tiling,
                sums,
                planes: to,
                first: tiles.start,
                channel: outs.start,
                finish: self.finish,
                out: self.out,
                cout: self.shape.cout,
            });
        });
    }
}
