//! The convolution itself: tiles of output positions × channels, each an im2col and a matrix product.

use std::ops::Range;

use rayon::prelude::*;

use super::finish::Finish;
use super::im2col::{for_rows, gather};
use super::shape::{Region, Shape};
use crate::ops::cpu::{Shared, filled, min_tasks, with_scratch};
use crate::ops::matrix::{MAX_DEPTH, Matrix, multiply, multiply_turned, split};

/// Output positions a task computes: its part of the image matrix stays in the second-level cache.
pub(super) const TILE_ROWS: usize = 256;
/// Output channels a task computes where there are few tiles of positions.
const TILE_COLUMNS: usize = 128;
/// Fewer tiles of positions than this are split over output channels too.
const MIN_TILES: usize = 32;

struct Tile<'a> {
    region: &'a Region,
    rows: Range<usize>,
    columns: Range<usize>,
}

/// Convolves `x` with `kernel`, a `[depth, cout]` matrix.
pub(in crate::ops) fn convolve(
    s: &Shape,
    x: &[f32],
    kernel: Matrix<'_>,
    finish: Finish<'_>,
) -> Vec<f32> {
    let regions = if s.is_sparse() {
        s.regions_by_position()
    } else {
        vec![s.everything()]
    };
    let fill = |out: &Shared<'_>| {
        in_parallel(s, &regions, |tile| {
            compute(s, x, kernel, finish, tile, out);
        });
    };
    // SAFETY: the regions cover the outputs, and the tiles the regions' rows and columns.
    let mut y = unsafe { filled(s.rows() * s.cout, fill) };
    finish.apply_function_to_all(&mut y);
    y
}

/// Runs `compute` on all tiles.
fn in_parallel(s: &Shape, regions: &[Region], compute: impl Fn(&Tile<'_>) + Sync + Send) {
    let tiles = tiles(s, regions);
    let min = min_tasks(s.multiplications(), tiles.len());
    tiles.par_iter().with_min_len(min).for_each(compute);
}

fn tiles<'a>(s: &Shape, regions: &'a [Region]) -> Vec<Tile<'a>> {
    let row_tiles: Vec<(&Region, Range<usize>)> = regions
        .iter()
        .flat_map(|region| {
            split(0..s.n * region.positions(), TILE_ROWS).map(move |rows| (region, rows))
        })
        .collect();
    let columns = if row_tiles.len() < MIN_TILES {
        TILE_COLUMNS
    } else {
        s.cout
    };
    row_tiles
        .iter()
        .flat_map(|(region, rows)| {
            split(0..s.cout, columns).map(move |columns| Tile {
                region,
                rows: rows.clone(),
                columns,
            })
        })
        .collect()
}

fn compute(
    s: &Shape,
    x: &[f32],
    kernel: Matrix<'_>,
    finish: Finish<'_>,
    tile: &Tile<'_>,
    out: &Shared<'_>,
) {
    let (rows, width) = (tile.rows.len(), tile.columns.len());
    with_scratch(rows * (width + MAX_DEPTH), |scratch| {
        let (sums, seen) = scratch.split_at_mut(rows * width);
        let mut accumulate = false;
        for depth in s
            .depths(tile.region)
            .into_iter()
            .flat_map(|depths| split(depths, MAX_DEPTH))
        {
            let a = if s.is_product() {
                Matrix::new(x, s.rows(), s.cin).part(tile.rows.clone(), depth.clone())
            } else {
                gather(s, x, tile.region, tile.rows.clone(), &depth, seen);
                Matrix::new(seen, rows, depth.len())
            };
            let b = kernel.part(depth, tile.columns.clone());
            multiply(sums, width, a, b, accumulate);
            accumulate = true;
        }
        if !accumulate {
            sums.fill(0.0);
        }
        store(s, finish, tile, sums, out);
    });
}

/// Convolves `x` with the kernel `[kh, kw, cout, cin]`, flipped in space and its channels swapped.
///
/// The sums are those of [`convolve`] with such a kernel, without making it: each tap is the second factor of a
/// product as it lies, and results are turned when they are stored.
pub(in crate::ops) fn convolve_swapped(s: &Shape, x: &[f32], kernel: &[f32]) -> Vec<f32> {
    let regions = s.regions_by_position();
    let fill = |out: &Shared<'_>| {
        in_parallel(s, &regions, |tile| {
            compute_swapped(s, x, kernel, tile, out);
        });
    };
    // SAFETY: the regions cover the outputs, and the tiles the regions' rows and columns.
    unsafe { filled(s.rows() * s.cout, fill) }
}

fn compute_swapped(s: &Shape, x: &[f32], kernel: &[f32], tile: &Tile<'_>, out: &Shared<'_>) {
    let (rows, width) = (tile.rows.len(), tile.columns.len());
    with_scratch(rows * (width + MAX_DEPTH) + width, |scratch| {
        let (sums, rest) = scratch.split_at_mut(rows * width);
        let (row, seen) = rest.split_at_mut(width);
        let mut accumulate = false;
        for depth in tap_depths(s, tile.region) {
            gather(s, x, tile.region, tile.rows.clone(), &depth, seen);
            let a = Matrix::new(seen, rows, depth.len());
            let tap = s.kh * s.kw - 1 - depth.start / s.cin;
            let tap = &kernel[tap * s.cin * s.cout..][..s.cin * s.cout];
            let ins = depth.start % s.cin;
            let b = Matrix::new(tap, s.cout, s.cin)
                .part(tile.columns.clone(), ins..ins + depth.len())
                .transposed();
            multiply_turned(sums, rows, a, b, accumulate);
            accumulate = true;
        }
        if !accumulate {
            sums.fill(0.0);
        }
        for_rows(tile.region, tile.rows.clone(), |i, image, oy, ox| {
            let sums = sums.iter().skip(i).step_by(rows);
            row.iter_mut().zip(sums).for_each(|(row, sum)| *row = *sum);
            let start = ((image * s.ho + oy) * s.wo + ox) * s.cout + tile.columns.start;
            // SAFETY: tiles differ in region (disjoint positions), rows or columns.
            unsafe { out.write(start, row) };
        });
    });
}

/// The kernel rows of a region's taps, in order, each of one tap and at most [`MAX_DEPTH`].
fn tap_depths(s: &Shape, region: &Region) -> Vec<Range<usize>> {
    s.depths(region)
        .into_iter()
        .flat_map(|depths| depths.step_by(s.cin))
        .flat_map(|start| split(start..start + s.cin, MAX_DEPTH))
        .collect()
}

/// Finishes the tile's sums and writes them to their places.
fn store(s: &Shape, finish: Finish<'_>, tile: &Tile<'_>, sums: &mut [f32], out: &Shared<'_>) {
    let width = tile.columns.len();
    for_rows(tile.region, tile.rows.clone(), |i, image, oy, ox| {
        let sums = &mut sums[i * width..(i + 1) * width];
        let start = ((image * s.ho + oy) * s.wo + ox) * s.cout + tile.columns.start;
        finish.row(sums, tile.columns.start, start);
        // SAFETY: tiles differ in region (disjoint positions), rows or columns.
        unsafe { out.write(start, sums) };
    });
}
