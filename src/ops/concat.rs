//! Joining channels, as fire blocks do.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::cpu::{check, tensor_like, values, with_values};

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
    a.contiguous()?.apply_op2(&b.contiguous()?, op)
}

struct ConcatOp {
    first: usize,
    second: usize,
}

impl CustomOp2 for ConcatOp {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (values(a, a_layout)?, values(b, b_layout)?);
        let mut out = vec![0f32; a.len() + b.len()];
        out.par_chunks_mut(self.first + self.second)
            .with_min_len(64)
            .zip(a.par_chunks(self.first).zip(b.par_chunks(self.second)))
            .for_each(|(out, (a, b))| {
                out[..a.len()].copy_from_slice(a);
                out[a.len()..].copy_from_slice(b);
            });
        let mut dims = a_layout.dims().to_vec();
        if let Some(last) = dims.last_mut() {
            *last += self.second;
        }
        Ok((CpuStorage::F32(out), dims.into()))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let part = |like: &Tensor, start: usize, len: usize| -> Result<Option<Tensor>> {
            if !like.track_op() {
                return Ok(None);
            }
            let values = with_values(&dy, |dy| {
                let mut out = vec![0f32; like.elem_count()];
                out.par_chunks_mut(len)
                    .with_min_len(64)
                    .zip(dy.par_chunks(self.first + self.second))
                    .for_each(|(out, dy)| out.copy_from_slice(&dy[start..start + len]));
                Ok(out)
            })?;
            tensor_like(values, like).map(Some)
        };
        Ok((part(a, 0, self.first)?, part(b, self.first, self.second)?))
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
