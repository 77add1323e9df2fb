//! Moving image values into the rows of a matrix and back.

use std::ops::Range;

use super::shape::{Region, Shape, valid_taps};

/// Calls `f(i, image, oy, ox)` for each row of `rows` of a region; `i` counts from 0.
pub(super) fn for_rows(
    region: &Region,
    rows: Range<usize>,
    mut f: impl FnMut(usize, usize, usize, usize),
) {
    let (height, width) = (region.oy.len(), region.ox.len());
    let mut image = rows.start / (height * width);
    let mut y = rows.start / width % height;
    let mut x = rows.start % width;
    for i in 0..rows.len() {
        f(i, image, region.oy.start + y, region.ox.start + x);
        x += 1;
        if x == width {
            (x, y) = (0, y + 1);
        }
        if y == height {
            (y, image) = (0, image + 1);
        }
    }
}

/// One run of values that is contiguous in the image and in the matrix row.
struct Run {
    /// Place in the image batch.
    image: usize,
    /// Place in the row, counted from the first column wanted.
    column: usize,
    len: usize,
}

/// Calls `f` for each run of the values that kernel rows `depth` meet at an output position.
fn for_runs(
    s: &Shape,
    (image, oy, ox): (usize, usize, usize),
    depth: &Range<usize>,
    mut f: impl FnMut(Run),
) {
    let [top, left] = s.padding;
    let ky_valid = valid_taps(oy, s.stride, top, s.h, s.kh);
    let kx_valid = valid_taps(ox, s.stride, left, s.w, s.kw);
    let tap_row = s.kw * s.cin;
    for ky in depth.start / tap_row..depth.end.div_ceil(tap_row) {
        let base = ky * tap_row;
        let start = (base + kx_valid.start * s.cin).max(depth.start);
        let end = (base + kx_valid.end * s.cin).min(depth.end);
        if start >= end || !ky_valid.contains(&ky) {
            continue;
        }
        let iy = oy * s.stride + ky - top;
        // The first value of the pixel under tap 0, shifted by `left` pixels to stay positive.
        let pixel = (image * s.h + iy) * s.w + ox * s.stride;
        f(Run {
            image: pixel * s.cin + (start - base) - left * s.cin,
            column: start - depth.start,
            len: end - start,
        });
    }
}

/// Fills `out` (`rows` × `depth`) with what each output position sees under the kernel rows `depth`;
/// zero where that is padding.
pub(super) fn gather(
    s: &Shape,
    x: &[f32],
    region: &Region,
    rows: Range<usize>,
    depth: &Range<usize>,
    out: &mut [f32],
) {
    let width = depth.len();
    for_rows(region, rows, |i, image, oy, ox| {
        let row = &mut out[i * width..(i + 1) * width];
        let mut filled = 0;
        for_runs(s, (image, oy, ox), depth, |run| {
            row[filled..run.column].fill(0.0);
            filled = run.column + run.len;
            row[run.column..filled].copy_from_slice(&x[run.image..run.image + run.len]);
        });
        row[filled..].fill(0.0);
    });
}

/// Adds the rows of `columns`, laid out as by [`gather`] for all kernel rows, to the image values they came from.
pub(super) fn scatter_add(
    s: &Shape,
    columns: &[f32],
    region: &Region,
    rows: Range<usize>,
    x: &mut [f32],
) {
    let depth = 0..s.depth();
    for_rows(region, rows, |i, image, oy, ox| {
        let row = &columns[i * depth.len()..(i + 1) * depth.len()];
        for_runs(s, (image, oy, ox), &depth, |run| {
            let to = &mut x[run.image..run.image + run.len];
            to.iter_mut()
                .zip(&row[run.column..])
                .for_each(|(to, from)| *to += from);
        });
    });
}

/// Copies the output rows of a region (`width` values each) one after another.
pub(super) fn gather_outputs(
    s: &Shape,
    values: &[f32],
    width: usize,
    region: &Region,
    rows: Range<usize>,
    out: &mut [f32],
) {
    for_rows(region, rows, |i, image, oy, ox| {
        let from = ((image * s.ho + oy) * s.wo + ox) * width;
        out[i * width..(i + 1) * width].copy_from_slice(&values[from..from + width]);
    });
}
