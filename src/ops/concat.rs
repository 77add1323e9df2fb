//! Joining channels, as fire blocks do.

use std::ops::Range;

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::{Shared, by_row_chunks, check, filled};

use super::read::made;
use super::tape::{is_wanted, record};

/// `a` and `b` joined along the last dimension; the others must be equal.
///
/// Candle's `Tensor::cat` gives the same, but its gradient goes through strided views, which are slow.
///
/// # Errors
/// Shapes that differ before the last dimension, a type other than f32, no elements.
pub fn concat(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    check("concat", &[("the first", a), ("the second", b)])?;
    let (Some((a_last, a_dims)), Some((b_last, b_dims))) =
        (a.dims().split_last(), b.dims().split_last())
    else {
        bail!("concat: scalars have no last dimension to join");
    };
    if a_dims != b_dims {
        bail!(
            "concat: all dimensions but the last must be equal, got {:?} and {:?}",
            a.dims(),
            b.dims()
        );
    }
    #[cfg(feature = "cuda")]
    if a.device().is_cuda() {
        return cuda::concat(a, b);
    }
    if !a.device().is_cpu() {
        return Tensor::cat(&[a, b], a_dims.len());
    }
    let op = ConcatOp {
        first: *a_last,
        second: *b_last,
    };
    let mut dims = a.dims().to_vec();
    dims[a_dims.len()] += b_last;
    let y = made([a, b], dims, |[a, b]| op.join(a, b))?;
    let wanted = [a, b].map(is_wanted);
    let shapes = [a, b].map(|t| t.shape().clone());
    record(&[a, b], &y, move |dy| {
        let parts = [0..op.first, op.first..op.first + op.second];
        let parts = parts.into_iter().zip(shapes).zip(wanted);
        let part = |((channels, shape), is_wanted): ((Range<usize>, _), bool)| {
            let of = |[dy]: [&[f32]; 1]| op.part(dy, channels);
            is_wanted.then(|| made([&dy], shape, of)).transpose()
        };
        parts.map(part).collect()
    });
    Ok(y)
}

#[derive(Clone, Copy)]
struct ConcatOp {
    first: usize,
    second: usize,
}

impl ConcatOp {
    fn join(&self, a: &[f32], b: &[f32]) -> Vec<f32> {
        let width = self.first + self.second;
        let fill = |out: &Shared<'_>| {
            let rows = a.par_chunks(self.first).zip(b.par_chunks(self.second));
            rows.enumerate().with_min_len(64).for_each(|(i, (a, b))| {
                // SAFETY: each row has its own values.
                unsafe {
                    out.write(i * width, a);
                    out.write(i * width + self.first, b);
                }
            });
        };
        // SAFETY: the rows cover all values.
        unsafe { filled(a.len() + b.len(), fill) }
    }

    /// Of each row those channels.
    fn part(&self, rows: &[f32], channels: Range<usize>) -> Vec<f32> {
        let width = self.first + self.second;
        let count = channels.len();
        by_row_chunks(rows.len() / width * count, count, |start, out| {
            let rows = rows[start / count * width..].chunks_exact(width);
            for (out, row) in out.chunks_exact_mut(count).zip(rows) {
                out.copy_from_slice(&row[channels.clone()]);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{flat, gradients, random, same_bytes_on_any_threads};

    /// The values and gradients are copies, so they must be exactly candle's.
    #[test]
    fn values_and_gradients_are_those_of_cat() {
        for (a, b) in [
            (vec![2, 3, 3, 5], vec![2, 3, 3, 7]),
            (vec![1, 1], vec![1, 4]),
            (vec![130, 3], vec![130, 1]),
        ] {
            let (a, b) = (random(&a, 1), random(&b, 2));
            let got = gradients(&[&a, &b], |t| concat(&t[0], &t[1]));
            let wanted = gradients(&[&a, &b], |t| Tensor::cat(&[&t[0], &t[1]], t[0].rank() - 1));
            for (got, wanted) in got.iter().zip(&wanted) {
                assert_eq!(flat(got), flat(wanted));
            }
            same_bytes_on_any_threads(&[&a, &b], |t| concat(&t[0], &t[1]));
        }
    }

    #[test]
    fn shapes_that_differ_before_the_last_dimension_are_named() {
        let message = concat(&random(&[2, 3], 1), &random(&[3, 3], 2))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("[2, 3]") && message.contains("[3, 3]"),
            "{message}"
        );
    }
}
