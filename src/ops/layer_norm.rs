//! Layer normalization over the last axis.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{D, Result, Tensor};

use super::cpu::{by_row_chunks, check, check_dims, row_sums};
use super::read::{made, read};
use super::simd::{fold, sum_of_pairs};
use super::tape::{is_wanted, record};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, mean and population variance those of the last axis.
///
/// `gamma` and `beta` have that axis's length.
///
/// # Errors
/// Shapes that do not fit, a type other than f32, no elements.
pub fn layer_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64) -> Result<Tensor> {
    let all = [("x", x), ("gamma", gamma), ("beta", beta)];
    check("layer_norm", &all)?;
    let c = x.dim(D::Minus1)?;
    for (name, tensor) in [("gamma", gamma), ("beta", beta)] {
        check_dims("layer_norm", (name, tensor), &[c], ("x", x.dims()))?;
    }
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::layer_norm(x, gamma, beta, epsilon);
    }
    if !x.device().is_cpu() {
        return composition(x, gamma, beta, epsilon);
    }
    let op = LayerNormOp { epsilon };
    let forward = |[x, gamma, beta]: [&[f32]; 3]| op.forward(x, gamma, beta);
    let y = made([x, gamma, beta], x.shape(), forward)?;
    let (kept, gamma_kept) = (x.clone(), gamma.clone());
    let [of_x, of_gamma, of_beta] = [x, gamma, beta].map(is_wanted);
    record(&[x, gamma, beta], &y, move |dy| {
        let (x, gamma) = (&kept, &gamma_kept);
        let input = |[x, gamma, dy]: [&[f32]; 3]| op.input_gradient(x, gamma, dy);
        let dx = of_x.then(|| made([x, gamma, &dy], x.shape(), input));
        let (mut dgamma, mut dbeta) = (None, None);
        if of_gamma || of_beta {
            let sums = read([x, &dy], |[x, dy]| op.sums(x, dy, c))?;
            dgamma = Some(Tensor::from_vec(sums.0, c, x.device())?);
            dbeta = Some(Tensor::from_vec(sums.1, c, x.device())?);
        }
        Ok(vec![dx.transpose()?, dgamma, dbeta])
    });
    Ok(y)
}

/// As [`layer_norm`], by candle's own differentiable operations (its fused one cuts the gradient).
fn composition(x: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64) -> Result<Tensor> {
    let centered = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centered.sqr()?.mean_keepdim(D::Minus1)?;
    let normalized = centered.broadcast_div(&(variance + epsilon)?.sqrt()?)?;
    normalized.broadcast_mul(gamma)?.broadcast_add(beta)
}

#[derive(Clone, Copy)]
struct LayerNormOp {
    epsilon: f64,
}

impl LayerNormOp {
    /// The mean of a row, and `1 / sqrt(variance + epsilon)`.
    #[inline(always)]
    fn statistics(&self, row: &[f32]) -> (f32, f32) {
        let n = row.len() as f32;
        let mean = fold(row, 0.0, |a, b| a + b) / n;
        let variance = sum_of_pairs(row, row, |v, _| (v - mean) * (v - mean)) / n;
        (mean, 1.0 / (variance + self.epsilon as f32).sqrt())
    }

    /// `f(row number, row)` fills rows of `c` values, `len` in all.
    fn by_rows(len: usize, c: usize, f: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
        by_row_chunks(
            len,
            c,
            #[inline(always)]
            |start, out| {
                for (i, row) in out.chunks_exact_mut(c).enumerate() {
                    f(start / c + i, row);
                }
            },
        )
    }

    fn forward(&self, x: &[f32], gamma: &[f32], beta: &[f32]) -> Vec<f32> {
        let c = gamma.len();
        Self::by_rows(
            x.len(),
            c,
            #[inline(always)]
            |i, y| {
                let x = &x[i * c..][..c];
                let (mean, scale) = self.statistics(x);
                for j in 0..c {
                    y[j] = (x[j] - mean) * scale * gamma[j] + beta[j];
                }
            },
        )
    }

    fn input_gradient(&self, x: &[f32], gamma: &[f32], dy: &[f32]) -> Vec<f32> {
        let c = gamma.len();
        Self::by_rows(
            x.len(),
            c,
            #[inline(always)]
            |i, dx| {
                let (x, dy) = (&x[i * c..][..c], &dy[i * c..][..c]);
                let (mean, scale) = self.statistics(x);
                // First the gradient of the normalized values.
                for (dx, (dy, gamma)) in dx.iter_mut().zip(dy.iter().zip(gamma)) {
                    *dx = dy * gamma;
                }
                let plain = fold(dx, 0.0, |a, b| a + b) / c as f32;
                let weighted = sum_of_pairs(dx, x, |dx, x| dx * (x - mean) * scale) / c as f32;
                for (dx, x) in dx.iter_mut().zip(x) {
                    *dx = scale * (*dx - plain - (x - mean) * scale * weighted);
                }
            },
        )
    }

    /// The gradients of gamma and beta.
    fn sums(&self, x: &[f32], dy: &[f32], c: usize) -> (Vec<f32>, Vec<f32>) {
        let sums = row_sums(
            x.len() / c,
            2 * c,
            #[inline(always)]
            |rows, sums| {
                let (dgamma, dbeta) = sums.split_at_mut(c);
                for row in rows {
                    let (x, dy) = (&x[row * c..][..c], &dy[row * c..][..c]);
                    let (mean, scale) = self.statistics(x);
                    for i in 0..c {
                        dgamma[i] += f64::from(dy[i] * (x[i] - mean) * scale);
                        dbeta[i] += f64::from(dy[i]);
                    }
                }
            },
        );
        let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
        let (dgamma, dbeta) = sums.split_at(c);
        (single(dgamma), single(dbeta))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{
        assert_close, check_by_differences, gradients, random, same_bytes_on_any_threads,
    };

    fn inputs(dims: &[usize]) -> [Tensor; 3] {
        let c = *dims.last().unwrap();
        let gamma = (random(&[c], 2) + 1.5).unwrap();
        [random(dims, 1), gamma, random(&[c], 3)]
    }

    #[test]
    fn gradients_hold_against_differences() {
        for dims in [vec![3, 5], vec![2, 3, 3, 7], vec![2, 1, 19]] {
            let inputs = inputs(&dims);
            check_by_differences(
                &inputs.each_ref(),
                |t| layer_norm(&t[0], &t[1], &t[2], 1e-3),
                |v| {
                    let c = v[1].len();
                    let row = |row: &[f64]| {
                        let mean = row.iter().sum::<f64>() / c as f64;
                        let square = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
                        let deviation = (square / c as f64 + 1e-3).sqrt();
                        let normalized = row.iter().map(|x| (x - mean) / deviation);
                        let affine = normalized.zip(v[1].iter().zip(&v[2]));
                        affine.map(|(x, (g, b))| x * g + b).collect::<Vec<f64>>()
                    };
                    v[0].chunks(c).flat_map(row).collect()
                },
            );
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composition_on_any_threads() {
        for dims in [vec![40, 192], vec![3, 50, 385]] {
            let inputs = inputs(&dims);
            let got = gradients(&inputs.each_ref(), |t| {
                layer_norm(&t[0], &t[1], &t[2], 1e-6)
            });
            let wanted = gradients(&inputs.each_ref(), |t| {
                composition(&t[0], &t[1], &t[2], 1e-6)
            });
            for (got, wanted) in got.iter().zip(&wanted) {
                assert_close(got, wanted, 1e-5);
            }
            same_bytes_on_any_threads(&inputs.each_ref(), |t| {
                layer_norm(&t[0], &t[1], &t[2], 1e-6)
            });
        }
    }
}
