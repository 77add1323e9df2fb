//! Attention between the tokens of an image.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::{Shared, check, filled, with_scratch};
use super::math::exp;
use super::matrix::{MAX_DEPTH, Matrix, multiply, split};
use super::read::{made, read};
use super::scratch::{PACKED, Passes, Scratch};
use super::simd::{fold, sum_of_pairs, vectorized};
use super::tape::record;

/// The scratch memory of [`attention`] on the CPU for as many tokens of `channels` queries, keys and values.
pub fn scratch(tokens: usize, channels: usize, heads: usize, passes: Passes) -> Scratch {
    let size = channels / (3 * heads).max(1);
    let squares = match passes {
        Passes::Forward => 1,
        Passes::Both => 2,
    };
    Scratch {
        task: tokens * (squares * tokens + size) + PACKED as usize / size_of::<f32>(),
        part: 0,
        shared: 0,
    }
}

/// Softmax attention of `heads` heads over `qkv` `[n, tokens, 3 * channels]`: queries, keys and values one after
/// another, of each the heads one after another. Scores are scaled by 1 / sqrt(channels of a head). Gives
/// `[n, tokens, channels]`.
///
/// # Errors
/// Channels that cannot be divided so, a type other than f32, no elements.
pub fn attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    check("attention", &[("qkv", qkv)])?;
    let &[images, tokens, width] = qkv.dims() else {
        bail!(
            "attention: qkv must be [batch, tokens, 3 * channels], got {:?}",
            qkv.dims()
        );
    };
    if heads == 0 || !width.is_multiple_of(3 * heads) {
        bail!("attention: {width} values of a token are not 3 times {heads} heads");
    }
    let op = AttentionOp {
        images,
        tokens,
        heads,
        channels: width / 3,
    };
    #[cfg(feature = "cuda")]
    if qkv.device().is_cuda() {
        return cuda::attention(qkv, heads);
    }
    if !qkv.device().is_cpu() {
        return composition(qkv, heads);
    }
    let y = made([qkv], (images, tokens, width / 3), |[qkv]| op.forward(qkv))?;
    let kept = qkv.clone();
    record(&[qkv], &y, move |dy| {
        let of = |[qkv, dy]: [&[f32]; 2]| op.gradient(qkv, dy);
        Ok(vec![Some(made([&kept, &dy], kept.shape(), of)?)])
    });
    Ok(y)
}

/// How much each token of an image takes of each other by [`attention`] of `qkv` `[n, tokens, 3 * channels]` on a CPU, the
/// mean over the heads: `[n, tokens, tokens]`, rows that sum to 1. Without gradients.
///
/// # Errors
/// As [`attention`]; another device.
pub fn attention_weights(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    check("attention_weights", &[("qkv", qkv)])?;
    let (images, tokens, width) = qkv.dims3()?;
    if heads == 0 || !width.is_multiple_of(3 * heads) {
        bail!("attention_weights: {width} values of a token are not 3 times {heads} heads");
    }
    let op = AttentionOp {
        images,
        tokens,
        heads,
        channels: width / 3,
    };
    let means = read([qkv], |[qkv]| {
        let mut means = vec![0f32; images * tokens * tokens];
        let mut weights = vec![0f32; tokens * tokens];
        for (image, mean) in means.chunks_exact_mut(tokens * tokens).enumerate() {
            for head in 0..heads {
                op.weights(qkv, image, head, &mut weights);
                let pairs = mean.iter_mut().zip(&weights);
                pairs.for_each(|(mean, weight)| *mean += weight / heads as f32);
            }
        }
        means
    })?;
    Tensor::from_vec(means, (images, tokens, tokens), qkv.device())
}

/// As [`attention`], by the differentiable operations of candle and candle-nn.
fn composition(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, t, width) = qkv.dims3()?;
    let size = width / 3 / heads;
    // [3, n, heads, t, size]
    let parts = qkv.reshape((n, t, 3, heads, size))?;
    let parts = parts.permute((2, 0, 3, 1, 4))?.contiguous()?;
    let [q, k, v] = [parts.get(0)?, parts.get(1)?, parts.get(2)?];
    let scores = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? / (size as f64).sqrt())?;
    // Its faster twin for the last dimension cuts the gradient.
    let p = candle_nn::ops::softmax(&scores, D::Minus1)?;
    p.matmul(&v)?.transpose(1, 2)?.reshape((n, t, width / 3))
}

struct AttentionOp {
    images: usize,
    tokens: usize,
    heads: usize,
    channels: usize,
}

/// `out = a × b`, sums of any length.
fn product(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>) {
    for (i, depth) in split(0..a.columns, MAX_DEPTH).enumerate() {
        let (a, b) = (
            a.part(0..a.rows, depth.clone()),
            b.part(depth, 0..b.columns),
        );
        multiply(out, stride, a, b, i > 0);
    }
}

/// The larger, by a comparison that a vector has; NaN is passed over, and spreads with the exponentials.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

impl AttentionOp {
    /// Channels of a head.
    fn size(&self) -> usize {
        self.channels / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.size() as f32).sqrt()
    }

    /// Queries (0), keys (1) or values (2) of one head of one image, `tokens` × [`Self::size`].
    fn part<'a>(&self, qkv: &'a [f32], image: usize, head: usize, which: usize) -> Matrix<'a> {
        let width = 3 * self.channels;
        let start = image * self.tokens * width + which * self.channels + head * self.size();
        Matrix {
            data: &qkv[start..],
            rows: self.tokens,
            columns: self.size(),
            row_stride: width,
            column_stride: 1,
        }
    }

    /// The weights of one head, `tokens` × `tokens`.
    fn weights(&self, qkv: &[f32], image: usize, head: usize, out: &mut [f32]) {
        let [q, k] = [0, 1].map(|which| self.part(qkv, image, head, which));
        product(out, self.tokens, q, k.transposed());
        let scale = self.scale();
        vectorized(
            #[inline(always)]
            || {
                for row in out.chunks_exact_mut(self.tokens) {
                    let largest = fold(row, f32::NEG_INFINITY, larger);
                    for v in row.iter_mut() {
                        *v = exp((*v - largest) * scale);
                    }
                    let total = fold(row, 0.0, |a, b| a + b);
                    row.iter_mut().for_each(|v| *v /= total);
                }
            },
        );
    }

    /// Runs `f(image, head)` for all.
    fn each(&self, f: impl Fn(usize, usize) + Sync) {
        (0..self.images * self.heads)
            .into_par_iter()
            .for_each(|task| f(task / self.heads, task % self.heads));
    }

    /// Copies a head's `tokens` × [`Self::size`] values to where `width` values of a token have them from `at` on.
    ///
    /// # Safety
    /// No other task may touch these values at the same time.
    unsafe fn place(
        &self,
        values: &[f32],
        (image, width, at): (usize, usize, usize),
        out: &Shared<'_>,
    ) {
        for (token, values) in values.chunks_exact(self.size()).enumerate() {
            // SAFETY: by this function's contract.
            unsafe { out.write((image * self.tokens + token) * width + at, values) };
        }
    }

    fn forward(&self, qkv: &[f32]) -> Vec<f32> {
        let (t, size) = (self.tokens, self.size());
        let fill = |out: &Shared<'_>| {
            self.each(|image, head| {
                with_scratch(t * (t + size), |scratch| {
                    let (weights, y) = scratch.split_at_mut(t * t);
                    self.weights(qkv, image, head, weights);
                    let v = self.part(qkv, image, head, 2);
                    product(y, size, Matrix::new(weights, t, t), v);
                    // SAFETY: each head of an image has its own values.
                    unsafe { self.place(y, (image, self.channels, head * size), out) };
                });
            });
        };
        // SAFETY: the heads of all images cover the output.
        unsafe { filled(self.images * t * self.channels, fill) }
    }

    fn gradient(&self, qkv: &[f32], dy: &[f32]) -> Vec<f32> {
        let (t, size) = (self.tokens, self.size());
        let fill = |out: &Shared<'_>| {
            self.each(|image, head| {
                with_scratch(2 * t * t + t * size, |scratch| {
                    let (weights, rest) = scratch.split_at_mut(t * t);
                    let (d_scores, result) = rest.split_at_mut(t * t);
                    let [q, k, v] = [0, 1, 2].map(|which| self.part(qkv, image, head, which));
                    let dy = Matrix {
                        data: &dy[image * t * self.channels + head * size..],
                        rows: t,
                        columns: size,
                        row_stride: self.channels,
                        column_stride: 1,
                    };
                    self.weights(qkv, image, head, weights);
                    product(d_scores, t, dy, v.transposed());
                    self.before_softmax(weights, d_scores);
                    let (p, d_scores) = (Matrix::new(weights, t, t), Matrix::new(d_scores, t, t));
                    for (which, a, b) in [
                        (0, d_scores, k),
                        (1, d_scores.transposed(), q),
                        (2, p.transposed(), dy),
                    ] {
                        product(result, size, a, b);
                        let at = which * self.channels + head * size;
                        // SAFETY: each head of an image has its own values.
                        unsafe { self.place(result, (image, 3 * self.channels, at), out) };
                    }
                });
            });
        };
        // SAFETY: queries, keys and values of the heads of all images cover the output.
        unsafe { filled(self.images * t * 3 * self.channels, fill) }
    }

    /// The gradient of the products of queries and keys from that of the weights, in place.
    fn before_softmax(&self, weights: &[f32], gradient: &mut [f32]) {
        let scale = self.scale();
        vectorized(
            #[inline(always)]
            || {
                let rows = weights.chunks_exact(self.tokens);
                for (d, p) in gradient.chunks_exact_mut(self.tokens).zip(rows) {
                    let along = sum_of_pairs(d, p, |d, p| d * p);
                    for (d, p) in d.iter_mut().zip(p) {
                        *d = p * (*d - along) * scale;
                    }
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::ops::testing::{
        assert_close, check_by_differences, flat, gradients, random, same_bytes_on_any_threads,
    };

    /// The definition, for one head after another.
    fn reference(qkv: &[f64], t: usize, heads: usize, size: usize) -> Vec<f64> {
        let (c, width) = (heads * size, 3 * heads * size);
        let mut out = Vec::new();
        for image in qkv.chunks(t * width) {
            let at = |token: usize, which: usize, head: usize, i: usize| {
                image[token * width + which * c + head * size + i]
            };
            for query in 0..t {
                for head in 0..heads {
                    let score = |key: usize| {
                        let product = |i| at(query, 0, head, i) * at(key, 1, head, i);
                        ((0..size).map(product).sum::<f64>() / (size as f64).sqrt()).exp()
                    };
                    let total: f64 = (0..t).map(score).sum();
                    let value = |i| {
                        let term = |key| score(key) * at(key, 2, head, i);
                        (0..t).map(term).sum::<f64>() / total
                    };
                    out.extend((0..size).map(value));
                }
            }
        }
        out
    }

    #[test]
    fn gradients_hold_against_differences() {
        for (n, t, heads, size) in [(1, 1, 1, 1), (2, 3, 1, 5), (1, 5, 3, 2)] {
            let qkv = (random(&[n, t, 3 * heads * size], 1) * 2.0).unwrap();
            check_by_differences(
                &[&qkv],
                |x| attention(&x[0], heads),
                |v| reference(&v[0], t, heads, size),
            );
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composition_on_any_threads() {
        for (n, t, heads, size) in [(2, 37, 3, 64), (1, 530, 2, 7)] {
            let qkv = random(&[n, t, 3 * heads * size], 1);
            let got = gradients(&[&qkv], |x| attention(&x[0], heads));
            let wanted = gradients(&[&qkv], |x| composition(&x[0], heads));
            assert_close(&got[0], &wanted[0], 1e-5);
            assert_close(&got[1], &wanted[1], 1e-5);
            same_bytes_on_any_threads(&[&qkv], |x| attention(&x[0], heads));
        }
    }

    /// The values of a token are its place, so that what attention gives is what the weights say.
    #[test]
    fn weights_are_those_that_values_are_mixed_by() {
        let (t, heads) = (5, 2);
        let size = t;
        let qkv = random(&[2, t, 3 * heads * size], 1);
        let (qk, eye) = (
            qkv.narrow(2, 0, 2 * heads * size).unwrap(),
            Tensor::eye(t, DType::F32, qkv.device()).unwrap(),
        );
        let values = Tensor::cat(&vec![eye; heads], 1).unwrap();
        let values = values.broadcast_as((2, t, heads * size)).unwrap();
        let qkv = Tensor::cat(&[&qk, &values.contiguous().unwrap()], 2).unwrap();
        let mixed = attention(&qkv, heads).unwrap();
        let mixed = mixed.reshape((2, t, heads, size)).unwrap();
        let expected = mixed.mean(2).unwrap();
        assert_close(&attention_weights(&qkv, heads).unwrap(), &expected, 1e-6);
    }

    #[test]
    fn an_image_has_the_same_bytes_alone_and_among_others() {
        let qkv = random(&[3, 17, 3 * 24], 1);
        let all = flat(&attention(&qkv, 4).unwrap());
        let alone = flat(&attention(&qkv.narrow(0, 1, 1).unwrap(), 4).unwrap());
        assert_eq!(all[17 * 24..2 * 17 * 24], alone);
    }
}
