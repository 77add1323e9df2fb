//! The gradient of the kernel.

use std::ops::Range;

use rayon::prelude::*;

use super::channel_blocks;
use super::forward::{TRANSFORM_BLOCK, transform_inputs};
use super::kernel::{KernelPart, ToKernelGradient};
use super::planes::{FromTiles, Planes};
use super::product::Product;
use super::tiling::{POINTS, TILE_BLOCK, Tiling};
use super::transform;

use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::{Shared, add_parts, filled, with_scratch};
use crate::ops::matrix::split;
use crate::ops::simd::dispatch;

/// The gradient of the kernel `[3, 3, cin, cout]` from that of the output, `dy`.
pub(in crate::ops::conv2d) fn kernel_gradient(s: &Shape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let tiling = Tiling::new(s);
    let size = s.depth() * s.cout;
    let blocks: Vec<Range<usize>> = split(0..tiling.tiles(), TILE_BLOCK).collect();
    let fill = |out: &Shared<'_>| {
        let blocks = blocks.par_iter().enumerate();
        blocks.for_each(|(i, tiles)| {
            let block = Block {
                shape: s,
                tiling: &tiling,
                tiles: tiles.clone(),
            };
            block.accumulate(x, dy, out, i * size);
        });
    };
    // SAFETY: the parts of the kernel cover it, in each block.
    let mut sums = unsafe { filled(blocks.len() * size, fill) };
    add_parts(&mut sums, size);
    sums
}

/// Tiles that are summed together.
struct Block<'a> {
    shape: &'a Shape,
    tiling: &'a Tiling,
    tiles: Range<usize>,
}

impl Block<'_> {
    /// Puts this block's part of the gradient at `start` of `out`.
    fn accumulate(&self, x: &[f32], dy: &[f32], out: &Shared<'_>, start: usize) {
        let rows = self.tiles.len();
        let [of_inputs, of_gradients] =
            [self.shape.cin, self.shape.cout].map(|channels| Planes { rows, channels });
        with_scratch(of_inputs.size() + of_gradients.size(), |scratch| {
            let (inputs, gradients) = scratch.split_at_mut(of_inputs.size());
            transform_inputs(self.tiling, x, of_inputs, &self.tiles, inputs);
            self.transform_gradients(dy, of_gradients, gradients);
            let parts: Vec<KernelPart> = self.kernel_parts();
            parts.into_par_iter().for_each(|part| {
                let to = part.planes();
                with_scratch(to.size(), |sums| {
                    for point in 0..POINTS {
                        Product {
                            rows: to.rows,
                            depth: rows,
                            columns: to.channels,
                            a: &inputs[of_inputs.plane(point)][part.ins.start..],
                            a_row: 1,
                            a_depth: of_inputs.channels,
                            b: &gradients[of_gradients.plane(point)][part.outs.start..],
                            b_row: of_gradients.channels,
                            out: &mut sums[to.plane(point)],
                            out_row: to.channels,
                            accumulate: false,
                        }
                        .compute();
                    }
                    dispatch(ToKernelGradient {
                        sums,
                        part: &part,
                        out,
                        start,
                    });
                });
            });
        });
    }

    fn transform_gradients(&self, dy: &[f32], planes: Planes, out: &mut [f32]) {
        let out = Shared::new(out);
        let parts: Vec<Range<usize>> = split(self.tiles.clone(), TRANSFORM_BLOCK).collect();
        parts.into_par_iter().for_each(|part| {
            let first = self.tiles.start;
            dispatch(FromTiles::<transform::OutputGradient, _>::new(
                self.tiling,
                dy,
                planes,
                first,
                part,
                &out,
            ));
        });
    }

    fn kernel_parts(&self) -> Vec<KernelPart> {
        let &Shape { cin, cout, .. } = self.shape;
        let part = |ins, outs| KernelPart {
            cin,
            cout,
            ins,
            outs,
        };
        channel_blocks(cin)
            .flat_map(|ins| channel_blocks(cout).map(move |outs| part(ins.clone(), outs)))
            .collect()
    }
}
