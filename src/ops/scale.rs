//! Channels times factors: layer scale, and the gates of squeeze-and-excite.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::{by_row_chunks, check, row_sums};
use super::read::made;
use super::simd::map_row;
use super::tape::{is_wanted, record};

/// `x` `[n, …, c]` times `factors`, which are `[c]`, or `[n, 1, …, c]`: each image's own.
///
/// # Errors
/// Shapes that do not fit, a type other than f32, no elements.
pub fn scale(x: &Tensor, factors: &Tensor) -> Result<Tensor> {
    check("scale", &[("x", x), ("the factors", factors)])?;
    let (n, c) = (x.dim(0)?, x.dim(D::Minus1)?);
    let own = factors.dims().first() == Some(&n) && factors.elem_count() == n * c;
    if factors.dims() != [c] && !(own && factors.rank() == x.rank()) {
        bail!(
            "scale: x of shape {:?} wants factors [{c}] or an image's own, got {:?}",
            x.dims(),
            factors.dims()
        );
    }
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::scale(x, factors);
    }
    if !x.device().is_cpu() {
        return x.broadcast_mul(factors);
    }
    let op = ScaleOp { channels: c };
    let product = move |[x, factors]: [&[f32]; 2]| op.product(x, factors);
    let y = made([x, factors], x.shape(), product)?;
    let kept = [x, factors].map(Tensor::clone);
    let [of_x, of_factors] = [x, factors].map(is_wanted);
    record(&[x, factors], &y, move |dy| {
        let [x, factors] = &kept;
        let dx = of_x.then(|| made([&dy, factors], x.shape(), product));
        let sums = |[x, dy]: [&[f32]; 2]| op.sums(x, dy, factors.elem_count());
        let dfactors = of_factors.then(|| made([x, &dy], factors.shape(), sums));
        Ok(vec![dx.transpose()?, dfactors.transpose()?])
    });
    Ok(y)
}

#[derive(Clone, Copy)]
struct ScaleOp {
    channels: usize,
}

impl ScaleOp {
    fn product(&self, x: &[f32], factors: &[f32]) -> Vec<f32> {
        let c = self.channels;
        // Rows that have the same factors.
        let rows = x.len() / factors.len();
        by_row_chunks(
            x.len(),
            c,
            #[inline(always)]
            |start, y| {
                let pairs = y.chunks_exact_mut(c).zip(x[start..].chunks_exact(c));
                for (i, (y, x)) in pairs.enumerate() {
                    let factors = &factors[(start / c + i) / rows * c..][..c];
                    map_row!(y, [x, factors] => x * factors);
                }
            },
        )
    }

    /// The gradient of the factors: the sum of `x * dy` over the rows that have them.
    fn sums(&self, x: &[f32], dy: &[f32], factors: usize) -> Vec<f32> {
        let c = self.channels;
        let group = x.len() / factors * c;
        let sums = |(x, dy): (&[f32], &[f32])| {
            let sums = row_sums(
                x.len() / c,
                c,
                #[inline(always)]
                |rows, sums| {
                    let rows = rows.start * c..rows.end * c;
                    let pairs = x[rows.clone()]
                        .chunks_exact(c)
                        .zip(dy[rows].chunks_exact(c));
                    for (x, dy) in pairs {
                        for i in 0..c {
                            sums[i] += f64::from(x[i] * dy[i]);
                        }
                    }
                },
            );
            sums.into_iter().map(|s| s as f32).collect::<Vec<f32>>()
        };
        let groups = x.par_chunks(group).zip(dy.par_chunks(group));
        groups.map(sums).collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_close, gradients, random, same_bytes_on_any_threads};

    #[test]
    fn values_and_gradients_are_those_of_a_broadcast_product() {
        for (x, factors) in [
            (vec![2, 3, 5, 7], vec![2, 1, 1, 7]),
            (vec![3, 40, 40, 9], vec![3, 1, 1, 9]),
            (vec![2, 5, 19], vec![19]),
            (vec![1, 1], vec![1]),
        ] {
            let (x, factors) = (random(&x, 1), random(&factors, 2));
            let got = gradients(&[&x, &factors], |t| scale(&t[0], &t[1]));
            let wanted = gradients(&[&x, &factors], |t| t[0].broadcast_mul(&t[1]));
            for (got, wanted) in got.iter().zip(&wanted) {
                assert_close(got, wanted, 1e-5);
            }
            same_bytes_on_any_threads(&[&x, &factors], |t| scale(&t[0], &t[1]));
        }
    }

    #[test]
    fn factors_of_another_shape_are_named() {
        let error = scale(&random(&[2, 3, 3, 4], 1), &random(&[3], 2)).unwrap_err();
        assert!(error.to_string().contains("[2, 3, 3, 4]"), "{error}");
    }
}
