//! Losses, from the values before the last activation.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::{check, check_dims};
use super::read::made;
use super::tape::record;

/// Samples that are worth handing to another thread.
const MIN_SAMPLES: usize = 512;

/// For each sample `-sum(targets * log(softmax(logits)))`: `[n, k]` and `[n, k]` to `[n]`.
///
/// Targets are probabilities and get no gradient.
///
/// # Errors
/// Shapes that differ, a type other than f32, no elements.
pub fn softmax_cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    checked("softmax_cross_entropy", logits, targets)?;
    #[cfg(feature = "cuda")]
    if logits.device().is_cuda() {
        return cuda::cross_entropy(logits, targets, false);
    }
    if logits.device().is_cpu() {
        on_cpu(logits, targets, Loss::Softmax)
    } else {
        softmax_composition(logits, targets)
    }
}

/// For each sample the mean over k of `-t * log(sigmoid(z)) - (1 - t) * log(1 - sigmoid(z))`, as Keras's
/// `binary_crossentropy`: `[n, k]` and `[n, k]` to `[n]`.
///
/// Targets are probabilities and get no gradient.
///
/// # Errors
/// Shapes that differ, a type other than f32, no elements.
pub fn sigmoid_cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    checked("sigmoid_cross_entropy", logits, targets)?;
    #[cfg(feature = "cuda")]
    if logits.device().is_cuda() {
        return cuda::cross_entropy(logits, targets, true);
    }
    if logits.device().is_cpu() {
        on_cpu(logits, targets, Loss::Sigmoid)
    } else {
        sigmoid_composition(logits, targets)
    }
}

/// The mean of `values × weights`, both `[n]`; weights of 1 where there are none.
///
/// # Errors
/// Another number of weights.
pub fn weighted_mean(values: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    let mean = match weights {
        Some(weights) => (values * weights)?.mean_all()?,
        None => values.mean_all()?,
    };
    let (n, weights) = (values.elem_count(), weights.cloned());
    record(&[values], &mean, move |dy| {
        let each = dy.affine(1.0 / n as f64, 0.0)?.broadcast_as(n)?;
        let each = match weights {
            Some(weights) => (each * weights)?,
            None => each.contiguous()?,
        };
        Ok(vec![Some(each)])
    });
    Ok(mean)
}

/// `a × share + b × (1 - share)`, of the same shape.
///
/// # Errors
/// Shapes that differ.
pub fn blend(a: &Tensor, b: &Tensor, share: f64) -> Result<Tensor> {
    let y = ((a * share)? + (b * (1.0 - share))?)?;
    record(&[a, b], &y, move |dy| {
        Ok(vec![Some((&dy * share)?), Some((dy * (1.0 - share))?)])
    });
    Ok(y)
}

fn checked(op: &str, logits: &Tensor, targets: &Tensor) -> Result<()> {
    check(op, &[("the logits", logits), ("the targets", targets)])?;
    if logits.rank() != 2 {
        bail!(
            "{op}: the logits must be [batch, classes], got {:?}",
            logits.dims()
        );
    }
    let logits = ("logits", logits.dims());
    check_dims(op, ("the targets", targets), logits.1, logits)
}

fn on_cpu(logits: &Tensor, targets: &Tensor, loss: Loss) -> Result<Tensor> {
    let (n, k) = logits.dims2()?;
    let losses = made([logits, targets], n, |[logits, targets]| {
        let samples = logits.par_chunks(k).zip(targets.par_chunks(k));
        let samples = samples.with_min_len(MIN_SAMPLES);
        samples
            .map(|(logits, targets)| loss.value(logits, targets))
            .collect()
    })?;
    let (kept, targets) = (logits.clone(), targets.detach());
    record(&[logits], &losses, move |dy| {
        let gradient = made([&dy, &kept, &targets], (n, k), |[dy, logits, targets]| {
            let mut gradient = vec![0f32; logits.len()];
            gradient
                .par_chunks_mut(k)
                .zip(logits.par_chunks(k).zip(targets.par_chunks(k)))
                .zip(dy.par_iter())
                .with_min_len(MIN_SAMPLES)
                .for_each(|((out, (logits, targets)), dy)| {
                    loss.gradient(logits, targets, *dy, out);
                });
            gradient
        });
        Ok(vec![Some(gradient?)])
    });
    Ok(losses)
}

/// As [`softmax_cross_entropy`], by candle's own differentiable operations.
fn softmax_composition(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
    let total = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let log_softmax = shifted.broadcast_sub(&total)?;
    (targets.detach() * log_softmax)?.sum(D::Minus1)?.neg()
}

/// As [`sigmoid_cross_entropy`], by candle's own differentiable operations.
fn sigmoid_composition(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let positive = logits.detach().ge(0f32)?.to_dtype(logits.dtype())?;
    let magnitude = (logits * (positive.affine(2.0, -1.0))?)?;
    let correction = (magnitude.neg()?.exp()? + 1.0)?.log()?;
    let loss = ((logits * (positive - targets.detach())?)? + correction)?;
    let k = logits.dim(D::Minus1)?;
    loss.sum(D::Minus1)?.affine(1.0 / k as f64, 0.0)
}

#[derive(Clone, Copy)]
enum Loss {
    Softmax,
    Sigmoid,
}

impl Loss {
    /// One sample's loss.
    fn value(self, logits: &[f32], targets: &[f32]) -> f32 {
        let pairs = || wide(logits).zip(wide(targets));
        let value = match self {
            Loss::Softmax => {
                let (largest, total) = softmax_total(logits);
                let log_total = largest + total.ln();
                // A class that is impossible by both must not give 0 × infinity.
                let terms = pairs().filter(|(_, t)| *t != 0.0);
                terms.map(|(z, t)| t * (log_total - z)).sum::<f64>()
            }
            Loss::Sigmoid => {
                let term = |(z, t): (f64, f64)| z.max(0.0) - z * t + (-z.abs()).exp().ln_1p();
                pairs().map(term).sum::<f64>() / logits.len() as f64
            }
        };
        value as f32
    }

    /// The gradient of one sample's loss, times `dy`.
    fn gradient(self, logits: &[f32], targets: &[f32], dy: f32, out: &mut [f32]) {
        let dy = f64::from(dy);
        let pairs = out.iter_mut().zip(wide(logits).zip(wide(targets)));
        match self {
            Loss::Softmax => {
                let (largest, total) = softmax_total(logits);
                let all: f64 = wide(targets).sum();
                pairs.for_each(|(out, (z, t))| {
                    *out = (dy * ((z - largest).exp() / total * all - t)) as f32;
                });
            }
            Loss::Sigmoid => {
                let scale = dy / logits.len() as f64;
                pairs.for_each(|(out, (z, t))| {
                    *out = (scale * (1.0 / (1.0 + (-z).exp()) - t)) as f32;
                });
            }
        }
    }
}

fn wide(values: &[f32]) -> impl Iterator<Item = f64> {
    values.iter().map(|v| f64::from(*v))
}

/// The largest logit, and the sum of all exponentials relative to it.
fn softmax_total(logits: &[f32]) -> (f64, f64) {
    let largest = wide(logits).fold(f64::NEG_INFINITY, f64::max);
    (largest, wide(logits).map(|z| (z - largest).exp()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{
        assert_close, assert_values_close, check_by_differences, flat, gradients, random,
        same_bytes_on_any_threads,
    };
    use candle_core::Device;

    type Op = fn(&Tensor, &Tensor) -> Result<Tensor>;
    type Reference = fn(&[f64], &[f64]) -> f64;

    /// Each loss, its composition and its definition for one sample.
    const OPS: [(Op, Op, Reference); 2] = [
        (softmax_cross_entropy, softmax_composition, |z, t| {
            let total: f64 = z.iter().map(|z| z.exp()).sum();
            let term = |(z, t): (&f64, &f64)| -t * (z.exp() / total).ln();
            z.iter().zip(t).map(term).sum()
        }),
        (sigmoid_cross_entropy, sigmoid_composition, |z, t| {
            let term = |(z, t): (&f64, &f64)| {
                let p = 1.0 / (1.0 + (-z).exp());
                -t * p.ln() - (1.0 - t) * (1.0 - p).ln()
            };
            z.iter().zip(t).map(term).sum::<f64>() / z.len() as f64
        }),
    ];

    #[test]
    fn values_and_gradients_hold_against_differences_and_composition() {
        for (n, k) in [(1, 1), (1, 10), (7, 3), (33, 5)] {
            let logits = (random(&[n, k], 1) * 3.0).unwrap();
            let targets = random(&[n, k], 2).abs().unwrap();
            let t: Vec<f64> = flat(&targets).into_iter().map(f64::from).collect();
            for (op, composition, reference) in OPS {
                check_by_differences(
                    &[&logits],
                    |x| op(&x[0], &targets),
                    |z| {
                        let samples = z[0].chunks(k).zip(t.chunks(k));
                        samples.map(|(z, t)| reference(z, t)).collect()
                    },
                );
                let got = gradients(&[&logits], |x| op(&x[0], &targets));
                let wanted = gradients(&[&logits], |x| composition(&x[0], &targets));
                assert_close(&got[0], &wanted[0], 1e-5);
                assert_close(&got[1], &wanted[1], 1e-5);
                same_bytes_on_any_threads(&[&logits], |x| op(&x[0], &targets));
            }
        }
    }

    /// From Keras 3.15.1 on TensorFlow 2.21 (CPU):
    /// ```python
    /// import numpy as np, keras, tensorflow as tf
    /// z = tf.Variable((np.arange(3*4) * 5 % 7 - 3).reshape(3, 4).astype("float32") * 1.5)
    /// t = np.array([[0,0,1,0],[0.1,0.2,0.3,0.4],[1,0,0,0]], "float32")
    /// for f in (keras.losses.categorical_crossentropy, keras.losses.binary_crossentropy):
    ///     with tf.GradientTape() as tape:
    ///         y = f(t, z, from_logits=True)
    ///         loss = tf.reduce_sum(y * (1 + tf.cast(tf.range(3), "float32") / 2))
    ///     for v in (y, tape.gradient(loss, z)): print(np.asarray(v).ravel().tolist())
    /// ```
    #[test]
    fn values_and_gradients_are_those_of_keras() {
        let z: Vec<f32> = (0..12).map(|i| ((i * 5 % 7) as f32 - 3.0) * 1.5).collect();
        let z = Tensor::from_vec(z, (3, 4), &Device::Cpu).unwrap();
        let t = [[0f32, 0., 1., 0.], [0.1, 0.2, 0.3, 0.4], [1., 0., 0., 0.]];
        let t = Tensor::new(&t, &Device::Cpu).unwrap();
        for ((op, ..), wanted) in OPS.into_iter().zip(KERAS) {
            let got = gradients(&[&z], |x| op(&x[0], &t));
            assert_values_close(&flat(&got[0]), wanted[0], 1e-6);
            assert_values_close(&flat(&got[1]), wanted[1], 1e-6);
        }
    }

    #[rustfmt::skip]
    const KERAS: [[&[f32]; 2]; 2] = [
        [
            &[3.051471, 6.051063, 1.710903],
            &[0.0005253367, 0.9498309, -0.9527107, 0.002354396, 1.275328, -0.2290371, -0.446467, -0.5998241, -1.638595, 0.0179933, 0.0008958339, 1.619706],
        ],
        [
            &[0.9503424, 1.981231, 1.325342],
            &[0.002746735, 0.2381435, -0.125, 0.01185647, 0.3333799, 0.2315904, -0.04409043, -0.1458799, -0.02371294, 0.25, 0.02371294, 0.4945065],
        ],
    ];

    #[test]
    fn means_and_blends_have_the_gradients_of_candle() {
        let (a, b, weights) = (random(&[7], 1), random(&[7], 2), random(&[7], 3));
        for weights in [None, Some(&weights)] {
            let got = gradients(&[&a], |t| weighted_mean(&t[0], weights));
            let wanted = gradients(&[&a], |t| match weights {
                Some(weights) => (&t[0] * weights)?.mean_all(),
                None => t[0].mean_all(),
            });
            assert_close(&got[1], &wanted[1], 1e-6);
        }
        let got = gradients(&[&a, &b], |t| blend(&t[0], &t[1], 0.3));
        let wanted = gradients(&[&a, &b], |t| (&t[0] * 0.3)? + (&t[1] * 0.7)?);
        for (got, wanted) in got.iter().zip(&wanted) {
            assert_close(got, wanted, 1e-6);
        }
    }

    #[test]
    fn extreme_logits_give_finite_losses_and_gradients() {
        let logits = Tensor::new(&[[1e4f32, -1e4, 0.0]], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[[0f32, 1.0, 0.0]], &Device::Cpu).unwrap();
        let got = gradients(&[&logits], |x| softmax_cross_entropy(&x[0], &targets));
        assert_eq!(flat(&got[0]), [2e4]);
        assert_eq!(flat(&got[1]), [1.0, -1.0, 0.0]);
        let got = gradients(&[&logits], |x| sigmoid_cross_entropy(&x[0], &targets));
        assert!(got.iter().flat_map(flat).all(f32::is_finite));
    }

    #[test]
    fn shapes_that_differ_are_named() {
        let message = softmax_cross_entropy(&random(&[2, 3], 1), &random(&[2, 4], 2))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("[2, 3]") && message.contains("[2, 4]"),
            "{message}"
        );
    }
}
