//! Matrix products on one thread, by the `gemm` crate.

use gemm::{Parallelism, gemm};

/// The most terms one product may sum.
///
/// `gemm` never splits a sum of up to 512 terms, so that an element's bits do not depend on how many
/// rows and columns are computed with it (its `cache::kernel_params`); longer sums are accumulated
/// over several calls.
pub(super) const MAX_DEPTH: usize = 512;

/// A matrix in memory: element (r, c) is `data[r * row_stride + c * column_stride]`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub columns: usize,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `rows` × `columns` values, row after row.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Matrix {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    pub fn transposed(self) -> Self {
        Matrix {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Part of the rows and columns; neither range may be empty.
    pub fn part(self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Self {
        let start = rows.start * self.row_stride + columns.start * self.column_stride;
        Matrix {
            data: &self.data[start..],
            rows: rows.len(),
            columns: columns.len(),
            ..self
        }
    }

    /// How many values the matrix spans from its first to its last element.
    fn span(&self) -> usize {
        (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride + 1
    }

    fn at(&self, row: usize, column: usize) -> f32 {
        self.data[row * self.row_stride + column * self.column_stride]
    }
}

/// `out = a × b`, or `out += a × b`; `out` has its rows `out_stride` apart.
///
/// At most [`MAX_DEPTH`] terms; no dimension may be 0.
pub(super) fn multiply(
    out: &mut [f32],
    out_stride: usize,
    a: Matrix<'_>,
    b: Matrix<'_>,
    accumulate: bool,
) {
    if a.rows == 1 || b.columns == 1 {
        multiply_thin(out, out_stride, a, b, accumulate);
    } else {
        multiply_wide(out, out_stride, a, b, accumulate);
    }
}

/// As [`multiply`], but `out` has its columns `out_stride` apart, each value after value; for a `b` whose columns
/// lie that way.
pub(super) fn multiply_turned(
    out: &mut [f32],
    out_stride: usize,
    a: Matrix<'_>,
    b: Matrix<'_>,
    accumulate: bool,
) {
    if a.rows == 1 || b.columns == 1 {
        // A single row or column lies the same both ways.
        multiply_thin(out, b.columns, a, b, accumulate);
    } else {
        assert!(out_stride >= a.rows && (b.columns - 1) * out_stride + a.rows <= out.len());
        product(out, (1, out_stride), a, b, accumulate);
    }
}

/// Products of one row or column take another path in `gemm`, with other roundings: they are computed
/// with a second one, of zeros.
fn multiply_thin(out: &mut [f32], out_stride: usize, a: Matrix, b: Matrix, accumulate: bool) {
    let (rows, columns) = (a.rows.max(2), b.columns.max(2));
    let copy = |from: &Matrix, rows: usize, columns: usize| {
        let mut to = vec![0f32; rows * columns];
        for r in 0..from.rows {
            for c in 0..from.columns {
                to[r * columns + c] = from.at(r, c);
            }
        }
        to
    };
    let a_wide = (a.rows == 1).then(|| copy(&a, rows, a.columns));
    let b_wide = (b.columns == 1).then(|| copy(&b, b.rows, columns));
    let a_used = a_wide
        .as_ref()
        .map_or(a, |data| Matrix::new(data, rows, a.columns));
    let b_used = b_wide
        .as_ref()
        .map_or(b, |data| Matrix::new(data, b.rows, columns));
    let mut wide = vec![0f32; rows * columns];
    for r in 0..a.rows {
        wide[r * columns..][..b.columns].copy_from_slice(&out[r * out_stride..][..b.columns]);
    }
    multiply_wide(&mut wide, columns, a_used, b_used, accumulate);
    for r in 0..a.rows {
        out[r * out_stride..][..b.columns].copy_from_slice(&wide[r * columns..][..b.columns]);
    }
}

fn multiply_wide(out: &mut [f32], out_stride: usize, a: Matrix, b: Matrix, accumulate: bool) {
    assert!(out_stride >= b.columns && (a.rows - 1) * out_stride + b.columns <= out.len());
    product(out, (out_stride, 1), a, b, accumulate);
}

/// `out`'s element (r, c) is `out[r * row_stride + c * column_stride]`; the callers assert that all lie inside.
fn product(
    out: &mut [f32],
    (row_stride, column_stride): (usize, usize),
    a: Matrix,
    b: Matrix,
    accumulate: bool,
) {
    assert!(a.columns == b.rows && (1..=MAX_DEPTH).contains(&b.rows));
    assert!(a.span() <= a.data.len() && b.span() <= b.data.len());
    // SAFETY: all elements that are read lie inside the slices, by the assertions above, and those that are
    // written by the callers' assertions; `out` is exclusively borrowed, and its elements do not overlap.
    unsafe {
        gemm(
            a.rows,
            b.columns,
            b.rows,
            out.as_mut_ptr(),
            column_stride as isize,
            row_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `range` in the fewest parts of about equal length, none longer than `most`.
pub(super) fn split(
    range: std::ops::Range<usize>,
    most: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> + Clone {
    let (start, len) = (range.start, range.len());
    let parts = len.div_ceil(most);
    (0..parts).map(move |i| start + len * i / parts..start + len * (i + 1) / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_same_bits_alone_and_among_others() {
        for (depth, columns) in [(5, 3), (27, 64), (300, 17), (512, 1), (512, 130)] {
            let rows = 150;
            let value = |i: usize| ((i * 7919) % 1009) as f32 / 500.0 - 1.0;
            let a: Vec<f32> = (0..rows * depth).map(value).collect();
            let b: Vec<f32> = (0..depth * columns).map(|i| value(i + 13)).collect();
            let b = Matrix::new(&b, depth, columns);
            let mut all = vec![0.0; rows * columns];
            multiply(&mut all, columns, Matrix::new(&a, rows, depth), b, false);
            for count in [1, 2, 3, 31, 64, 65, 128] {
                let mut some = vec![0.0; count * columns];
                let from = rows - count;
                let a = Matrix::new(&a[from * depth..], count, depth);
                multiply(&mut some, columns, a, b, false);
                assert_eq!(
                    some,
                    all[from * columns..],
                    "{count} rows, depth {depth}, {columns} columns"
                );
            }
        }
    }

    #[test]
    fn split_covers_the_range_in_even_parts() {
        let parts: Vec<_> = split(3..1155, 512).collect();
        assert_eq!(parts, [3..387, 387..771, 771..1155]);
        assert_eq!(split(5..5, 512).count(), 0);
    }
}
