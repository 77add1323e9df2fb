//! Gradients of the convolution.

use std::ops::Range;

use rayon::prelude::*;

use super::finish::Finish;
use super::forward::convolve_swapped;
use super::im2col::{gather, gather_outputs, scatter_add};
use super::shape::{Region, Shape};
use super::way::{convolve_matrix, is_indirect};
use super::winograd;
use crate::ops::cpu::{Shared, add_parts, min_tasks, with_scratch};
use crate::ops::matrix::{MAX_DEPTH, Matrix, multiply, split};

/// Rows of the kernel a task computes the gradient of.
const BLOCK: usize = 256;
/// Output positions summed by one product.
const TILE_ROWS: usize = 256;
/// Tasks wanted; fewer blocks of kernel rows than this are split over output positions too.
const TASKS: usize = 16;
/// Channels of the output from which on the kernel is used where it lies rather than flipped first.
const DEEP: usize = 128;
/// A part of the output positions is at least this many.
const MIN_PART: usize = 2048;

/// The gradient of the kernel, `[depth, cout]`: each value the sum over output positions of what the tap
/// saw there × the output's gradient `dy`.
pub(in crate::ops) fn kernel_gradient(s: &Shape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    if winograd::pays(s) {
        return winograd::kernel_gradient(s, x, dy);
    }
    let regions = if s.is_sparse() {
        s.regions_by_tap()
    } else {
        vec![s.everything()]
    };
    let blocks: Vec<(&Region, Range<usize>)> = regions
        .iter()
        .flat_map(|region| s.depths(region).into_iter().map(move |d| (region, d)))
        .flat_map(|(region, depths)| split(depths, BLOCK).map(move |d| (region, d)))
        .collect();
    let parts = TASKS
        .div_ceil(blocks.len())
        .min(s.rows().div_ceil(MIN_PART));

    let size = s.depth() * s.cout;
    let mut sums = vec![0f32; parts * size];
    let shared = Shared::new(&mut sums);
    let tasks = (0..parts * blocks.len()).into_par_iter();
    let min = min_tasks(s.multiplications(), tasks.len());
    tasks.with_min_len(min).for_each(|task| {
        let (part, (region, depth)) = (task % parts, &blocks[task / parts]);
        let rows = s.n * region.positions();
        let rows = rows * part / parts..rows * (part + 1) / parts;
        let start = part * size + depth.start * s.cout;
        // SAFETY: tasks differ in part or in kernel rows.
        let out = unsafe { shared.slice(start..start + depth.len() * s.cout) };
        accumulate_block(s, x, dy, region, depth, rows, out);
    });
    add_parts(&mut sums, size);
    sums
}

/// One block of kernel rows, summed over the output positions `rows` of the region.
fn accumulate_block(
    s: &Shape,
    x: &[f32],
    dy: &[f32],
    region: &Region,
    depth: &Range<usize>,
    rows: Range<usize>,
    out: &mut [f32],
) {
    let width = depth.len();
    let everywhere = region.positions() == s.ho * s.wo;
    with_scratch(TILE_ROWS * (width + s.cout), |scratch| {
        let (seen, gradients) = scratch.split_at_mut(TILE_ROWS * width);
        let mut accumulate = false;
        for tile in split(rows, TILE_ROWS) {
            let count = tile.len();
            let a = if s.is_product() {
                Matrix::new(x, s.rows(), s.cin).part(tile.clone(), depth.clone())
            } else {
                gather(s, x, region, tile.clone(), depth, seen);
                Matrix::new(seen, count, width)
            };
            let b = if everywhere {
                Matrix::new(dy, s.rows(), s.cout).part(tile, 0..s.cout)
            } else {
                gather_outputs(s, dy, s.cout, region, tile, gradients);
                Matrix::new(gradients, count, s.cout)
            };
            multiply(out, s.cout, a.transposed(), b, accumulate);
            accumulate = true;
        }
    });
}

/// The gradient of the input from that of the output, `dy`.
pub(in crate::ops) fn input_gradient(s: &Shape, kernel: &[f32], dy: &[f32]) -> Vec<f32> {
    let plain = Finish::default();
    let matrix = Matrix::new(kernel, s.depth(), s.cout);
    match s.flipped() {
        Some(flipped) if s.is_product() => {
            convolve_matrix(&flipped, dy, matrix.transposed(), plain)
        }
        Some(flipped) if winograd::pays(&flipped) => {
            winograd::convolve(&flipped, dy, winograd::Kernel::Flipped(kernel), plain)
        }
        Some(flipped) if s.cout >= DEEP && !is_indirect(&flipped) => {
            convolve_swapped(&flipped, dy, kernel)
        }
        Some(flipped) => {
            let kernel = flip(s, kernel);
            let matrix = Matrix::new(&kernel, flipped.depth(), flipped.cout);
            convolve_matrix(&flipped, dy, matrix, plain)
        }
        None => input_gradient_by_image(s, matrix, dy),
    }
}

/// The kernel `[kh, kw, cin, cout]` flipped in space, as `[kh, kw, cout, cin]`.
fn flip(s: &Shape, kernel: &[f32]) -> Vec<f32> {
    /// Side of the squares that are transposed at a time, for the cache.
    const SQUARE: usize = 16;
    let tap = s.cin * s.cout;
    let mut flipped = vec![0f32; kernel.len()];
    let bands = flipped
        .par_chunks_mut(tap)
        .zip(kernel.par_chunks(tap).rev());
    bands.for_each(|(to, from)| {
        for i0 in (0..s.cin).step_by(SQUARE) {
            for o0 in (0..s.cout).step_by(SQUARE) {
                for o in o0..s.cout.min(o0 + SQUARE) {
                    for i in i0..s.cin.min(i0 + SQUARE) {
                        to[o * s.cin + i] = from[i * s.cout + o];
                    }
                }
            }
        }
    });
    flipped
}

/// Any stride and padding: the gradient of what each output position saw, added where it was seen.
fn input_gradient_by_image(s: &Shape, kernel: Matrix<'_>, dy: &[f32]) -> Vec<f32> {
    let image_size = s.h * s.w * s.cin;
    let (positions, depth) = (s.ho * s.wo, s.depth());
    let region = s.everything();
    let one = Shape { n: 1, ..*s };
    let mut dx = vec![0f32; s.n * image_size];
    dx.par_chunks_mut(image_size)
        .zip(dy.par_chunks(positions * s.cout))
        .for_each(|(dx, dy)| {
            let dy = Matrix::new(dy, positions, s.cout);
            with_scratch(TILE_ROWS * depth, |seen| {
                for rows in split(0..positions, TILE_ROWS) {
                    for (i, outs) in split(0..s.cout, MAX_DEPTH).enumerate() {
                        let a = dy.part(rows.clone(), outs.clone());
                        let b = kernel.part(0..depth, outs).transposed();
                        multiply(seen, depth, a, b, i > 0);
                    }
                    scatter_add(&one, seen, &region, rows, dx);
                }
            });
        });
    dx
}
