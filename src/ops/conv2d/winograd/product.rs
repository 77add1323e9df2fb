//! Small matrix products straight from where the transforms put their values, on one thread.

use pulp::{Simd, WithSimd};

use crate::ops::simd::{LANES, dispatch};

/// Rows of a block of sums kept in registers.
const ROWS: usize = 6;

/// `out = a × b`, or `out += a × b`, with `rows` × `depth` × `columns` multiplications.
///
/// Element (r, k) of `a` is `a[r * a_row + k * a_depth]`; those of `b` and `out` lie side by side in rows
/// `b_row` and `out_row` apart. An element of `out` is summed in the order of `k`, whatever is computed
/// beside it; the sum starts from zero and is added to `out` at the end, so that many short products round less than
/// one long sum. `columns` is a multiple of [`LANES`]; no dimension is 0.
pub(super) struct Product<'a> {
    pub rows: usize,
    pub depth: usize,
    pub columns: usize,
    pub a: &'a [f32],
    pub a_row: usize,
    pub a_depth: usize,
    pub b: &'a [f32],
    pub b_row: usize,
    pub out: &'a mut [f32],
    pub out_row: usize,
    pub accumulate: bool,
}

impl Product<'_> {
    pub fn compute(self) {
        assert!(self.rows > 0 && self.depth > 0 && self.columns > 0);
        assert!(self.columns.is_multiple_of(LANES));
        let last = |rows: usize, stride: usize| (rows - 1) * stride;
        assert!(last(self.rows, self.a_row) + last(self.depth, self.a_depth) < self.a.len());
        assert!(last(self.depth, self.b_row) + self.columns <= self.b.len());
        assert!(last(self.rows, self.out_row) + self.columns <= self.out.len());
        dispatch(self);
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // What is left of the registers holds a row of `b` and a value of `a`.
        let most = if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
        let vectors = self.columns / S::F32_LANES;
        let mut column = 0;
        while column < vectors {
            let count = most.min(vectors - column);
            let mut row = 0;
            while row < self.rows {
                let rows = ROWS.min(self.rows - row);
                match count {
                    1 => self.rows_of::<S, 1>(simd, row, rows, column * S::F32_LANES),
                    2 => self.rows_of::<S, 2>(simd, row, rows, column * S::F32_LANES),
                    3 => self.rows_of::<S, 3>(simd, row, rows, column * S::F32_LANES),
                    _ => self.rows_of::<S, 4>(simd, row, rows, column * S::F32_LANES),
                }
                row += rows;
            }
            column += count;
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn rows_of<S: Simd, const N: usize>(&self, simd: S, row: usize, rows: usize, column: usize) {
        match rows {
            1 => self.block::<S, 1, N>(simd, row, column),
            2 => self.block::<S, 2, N>(simd, row, column),
            3 => self.block::<S, 3, N>(simd, row, column),
            4 => self.block::<S, 4, N>(simd, row, column),
            5 => self.block::<S, 5, N>(simd, row, column),
            _ => self.block::<S, 6, N>(simd, row, column),
        }
    }

    /// `R` rows × `N` vectors of columns of the result.
    #[inline(always)]
    fn block<S: Simd, const R: usize, const N: usize>(&self, simd: S, row: usize, column: usize) {
        let mut sums = [[simd.splat_f32s(0.0); N]; R];
        // SAFETY: rows row..row + R, columns column..column + N vectors and all depths lie inside the
        // slices, by the assertions of `compute`; `out` is exclusively borrowed.
        unsafe {
            let a = self.a.as_ptr().add(row * self.a_row);
            let b = self.b.as_ptr().add(column);
            let out = self
                .out
                .as_ptr()
                .cast_mut()
                .add(row * self.out_row + column);
            let at = |r: usize, n: usize| {
                out.add(r * self.out_row + n * S::F32_LANES)
                    .cast::<S::f32s>()
            };
            for k in 0..self.depth {
                let b = b.add(k * self.b_row);
                let mut values = [simd.splat_f32s(0.0); N];
                for n in 0..N {
                    values[n] = b.add(n * S::F32_LANES).cast::<S::f32s>().read_unaligned();
                }
                for r in 0..R {
                    let factor = simd.splat_f32s(*a.add(r * self.a_row + k * self.a_depth));
                    for n in 0..N {
                        sums[r][n] = simd.mul_add_e_f32s(factor, values[n], sums[r][n]);
                    }
                }
            }
            for r in 0..R {
                for n in 0..N {
                    let sum = if self.accumulate {
                        simd.add_f32s(at(r, n).read_unaligned(), sums[r][n])
                    } else {
                        sums[r][n]
                    };
                    at(r, n).write_unaligned(sum);
                }
            }
        }
    }
}
