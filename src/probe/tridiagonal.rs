//! Symmetric matrices brought to tridiagonal form, where systems with any multiple of the identity added are solved in
//! linear time.
//!
//! Householder's method; G. Golub, C. Van Loan, "Matrix Computations" (4th edition), 8.3.1. L. Eldén, "Algorithms for the
//! regularization of ill-conditioned least squares problems", BIT 17 (1977), has the use for ridge regression.

use rayon::prelude::*;

use super::matrix::Matrix;
use crate::ops::vectorized;

/// Rows that are worth a thread's while.
const ROWS: usize = 16;

/// `A = Q T Qᵀ`, T tridiagonal.
#[derive(Clone, Debug)]
pub(super) struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Beside the diagonal, one shorter.
    beside: Vec<f64>,
    /// Row by row.
    pub q: Matrix<f64>,
}

/// `I - scale * v * vᵀ` on the last axes.
struct Reflector {
    scale: f64,
    v: Vec<f64>,
}

impl Tridiagonal {
    /// Of a symmetric matrix.
    pub fn of(mut a: Matrix<f64>) -> Self {
        let n = a.rows;
        let mut reflectors: Vec<Reflector> = Vec::new();
        let mut beside = Vec::new();
        for k in 0..n.saturating_sub(1) {
            let column: Vec<f64> = (k + 1..n).map(|row| a.values[row * n + k]).collect();
            let (reflector, end) = reflect(column);
            beside.push(end);
            apply_both(&mut a, k + 1, &reflector);
            reflectors.push(reflector);
        }
        let diagonal = (0..n).map(|i| a.values[i * n + i]).collect();
        let mut q = Matrix::zeros(n, n);
        q.values
            .par_chunks_mut((ROWS * n).max(1))
            .enumerate()
            .for_each(|(block, rows)| {
                for (row, values) in rows.chunks_mut(n).enumerate() {
                    values[block * ROWS + row] = 1.0;
                }
                // A reflector is read once for all rows of the block.
                vectorized(
                    #[inline(always)]
                    || {
                        for (k, Reflector { scale, v }) in reflectors.iter().enumerate() {
                            for row in rows.chunks_mut(n) {
                                let tail = &mut row[k + 1..];
                                let product = scale * dot(tail, v);
                                tail.iter_mut().zip(v).for_each(|(x, v)| *x -= product * v);
                            }
                        }
                    },
                );
            });
        Tridiagonal {
            diagonal,
            beside,
            q,
        }
    }

    /// T with a number added to its diagonal, ready to be solved with; a positive one where T has no negative eigenvalue.
    pub fn shifted(&self, by: f64) -> Factors {
        let n = self.diagonal.len();
        let (mut pivots, mut lower) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut before = 0.0;
        for i in 0..n {
            let link = match i {
                0 => 0.0,
                _ => self.beside[i - 1] / before,
            };
            let above = if i == 0 { 0.0 } else { self.beside[i - 1] };
            before = self.diagonal[i] + by - link * above;
            lower.push(link);
            pivots.push(before);
        }
        Factors { pivots, lower }
    }
}

/// `L D Lᵀ` of a tridiagonal matrix: D, and what stands below the diagonal of L, 0 first.
pub(super) struct Factors {
    pivots: Vec<f64>,
    lower: Vec<f64>,
}

impl Factors {
    /// `T⁻¹ B`.
    pub fn solve(&self, mut b: Matrix<f64>) -> Matrix<f64> {
        let columns = b.columns;
        for row in 1..b.rows {
            let (before, here) = b.values.split_at_mut(row * columns);
            let before = &before[(row - 1) * columns..];
            let link = self.lower[row];
            here.iter_mut()
                .zip(before)
                .for_each(|(x, y)| *x -= link * y);
        }
        for row in (0..b.rows).rev() {
            let (here, after) = b.values.split_at_mut((row + 1) * columns);
            let here = &mut here[row * columns..];
            let pivot = self.pivots[row];
            here.iter_mut().for_each(|x| *x /= pivot);
            if row + 1 < b.rows {
                let link = self.lower[row + 1];
                here.iter_mut()
                    .zip(after)
                    .for_each(|(x, y)| *x -= link * *y);
            }
        }
        b
    }
}

/// Several factors that vectors are measured by at once.
pub(super) struct Norms<const N: usize> {
    /// A row of T each: what stands below the diagonal of L, and one over the pivot, of each of the factors.
    rows: Vec<([f64; N], [f64; N])>,
}

impl<const N: usize> Norms<N> {
    /// By at most N factors of matrices of one size.
    pub fn new(factors: &[Factors]) -> Self {
        let rows = factors.first().map_or(0, |factors| factors.pivots.len());
        let row = |row: usize| {
            let (mut lower, mut inverse) = ([0.0; N], [0.0; N]);
            for (at, factors) in factors.iter().enumerate() {
                lower[at] = factors.lower[row];
                inverse[at] = 1.0 / factors.pivots[row];
            }
            (lower, inverse)
        };
        Norms {
            rows: (0..rows).map(row).collect(),
        }
    }

    /// `xᵀ T⁻¹ x` by each of the factors.
    pub fn of<T: Copy + Into<f64>>(&self, x: &[T]) -> [f64; N] {
        vectorized(
            #[inline(always)]
            || {
                let (mut before, mut sums) = ([0.0; N], [0.0; N]);
                for (value, (lower, inverse)) in x.iter().zip(&self.rows) {
                    let value = (*value).into();
                    for at in 0..N {
                        before[at] = value - lower[at] * before[at];
                        sums[at] += before[at] * before[at] * inverse[at];
                    }
                }
                sums
            },
        )
    }
}

/// What brings a column to a multiple of the first axis, and which multiple.
fn reflect(mut column: Vec<f64>) -> (Reflector, f64) {
    let first = column.first().copied().unwrap_or(0.0);
    let rest: f64 = column.iter().skip(1).map(|x| x * x).sum();
    if rest == 0.0 {
        let nothing = Reflector {
            scale: 0.0,
            v: column,
        };
        return (nothing, first);
    }
    let norm = (first * first + rest).sqrt();
    let end = if first > 0.0 { -norm } else { norm };
    column[0] = first - end;
    let scale = 2.0 / (column[0] * column[0] + rest);
    (Reflector { scale, v: column }, end)
}

/// `H A H` on the rows and columns from `from` on.
fn apply_both(a: &mut Matrix<f64>, from: usize, Reflector { scale, v }: &Reflector) {
    if *scale == 0.0 {
        return;
    }
    let n = a.columns;
    let rows = &mut a.values[from * n..];
    let products: Vec<f64> = rows
        .par_chunks(n)
        .with_min_len(ROWS)
        .map(|row| {
            vectorized(
                #[inline(always)]
                || scale * dot(&row[from..], v),
            )
        })
        .collect();
    let half = scale / 2.0 * dot(&products, v);
    let w: Vec<f64> = products.iter().zip(v).map(|(p, v)| p - half * v).collect();
    rows.par_chunks_mut(n)
        .with_min_len(ROWS)
        .zip(v.par_iter().zip(&w))
        .for_each(|(row, (v_row, w_row))| {
            vectorized(
                #[inline(always)]
                || {
                    let row = row[from..].iter_mut();
                    for ((x, v), w) in row.zip(v).zip(&w) {
                        *x -= v_row * w + w_row * v;
                    }
                },
            );
        });
}

/// In eight sums, which a processor does at once; the same for any number of threads.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_parts, b_parts) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_parts
        .remainder()
        .iter()
        .zip(b_parts.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_parts.zip(b_parts) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A symmetric matrix without structure.
    fn matrix(n: usize) -> Matrix<f64> {
        let value = |i: usize, j: usize| ((i * 7 + j * 3 + i * j) % 11) as f64 - 4.0;
        let values = (0..n * n).map(|at| value(at / n, at % n) + value(at % n, at / n));
        Matrix::new(n, n, values.collect())
    }

    #[test]
    fn a_matrix_is_the_product_of_its_parts() {
        for n in [1, 2, 3, 20, 67] {
            let a = matrix(n);
            let parts = Tridiagonal::of(a.clone());
            let mut t = Matrix::zeros(n, n);
            for i in 0..n {
                t.values[i * n + i] = parts.diagonal[i];
                if i + 1 < n {
                    t.values[i * n + i + 1] = parts.beside[i];
                    t.values[(i + 1) * n + i] = parts.beside[i];
                }
            }
            let back = parts
                .q
                .times(&t)
                .unwrap()
                .times_transposed(&parts.q)
                .unwrap();
            let worst = back
                .values
                .iter()
                .zip(&a.values)
                .map(|(b, a)| (b - a).abs());
            assert!(worst.fold(0.0, f64::max) < 1e-10, "{n}");
        }
    }

    #[test]
    fn systems_are_solved() {
        let n = 30;
        let a = matrix(n);
        let square = a.times(&a).unwrap();
        let parts = Tridiagonal::of(square.clone());
        let b = Matrix::new(n, 2, (0..2 * n).map(|i| (i % 5) as f64 - 1.0).collect());
        let rotated = parts.q.transposed_times(&b).unwrap();
        let factors = parts.shifted(0.5);
        let solution = parts.q.times(&factors.solve(rotated.clone())).unwrap();
        let mut back = square.times(&solution).unwrap();
        back.values
            .iter_mut()
            .zip(&solution.values)
            .for_each(|(b, x)| *b += 0.5 * x);
        let worst = back
            .values
            .iter()
            .zip(&b.values)
            .map(|(a, b)| (a - b).abs());
        assert!(worst.fold(0.0, f64::max) < 1e-9);
        let first: Vec<f64> = (0..n).map(|row| rotated.values[2 * row]).collect();
        let norm: f64 = (0..n)
            .map(|row| b.values[2 * row] * solution.values[2 * row])
            .sum();
        let other = parts.shifted(2.0);
        let [found, of_other] = Norms::new(&[factors, other]).of(&first);
        assert!((found - norm).abs() < 1e-9 * norm.abs());
        let [alone] = Norms::new(&[parts.shifted(2.0)]).of(&first);
        assert_eq!(of_other, alone);
    }
}
