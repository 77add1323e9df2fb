//! Dropout with a mask that is a function of a stream.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::{CHUNK, MIN_CHUNKS, check};
use super::read::made;
use super::tape::record;
use crate::rng::Stream;

/// `x`, of any shape, with the part `rate` of its values set to 0 and the others scaled by `1 / (1 - rate)`.
///
/// Value i is kept where value i of the stream's uniform values, from its first, is at least `rate`.
///
/// # Errors
/// A rate outside [0, 1), a type other than f32, no elements.
pub fn dropout(x: &Tensor, rate: f64, stream: &Stream) -> Result<Tensor> {
    check("dropout", &[("x", x)])?;
    if !(0.0..1.0).contains(&rate) {
        bail!("dropout: the rate must be in [0, 1), got {rate}");
    }
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::dropout(x, rate, stream);
    }
    let op = DropoutOp {
        rate: rate as f32,
        scale: (1.0 / (1.0 - rate)) as f32,
        stream: stream.clone(),
    };
    if x.device().is_cpu() {
        linear(x, move |x| op.masked(x))
    } else {
        composition(x, &op)
    }
}

/// As [`dropout`], by a mask made here and candle's own product.
fn composition(x: &Tensor, op: &DropoutOp) -> Result<Tensor> {
    let mask = op.masked(&vec![1.0; x.elem_count()]);
    x * Tensor::from_vec(mask, x.shape(), &Device::Cpu)?.to_device(x.device())?
}

/// On the CPU: `f` of the values, which is the way back, too.
fn linear(x: &Tensor, f: impl Fn(&[f32]) -> Vec<f32> + 'static) -> Result<Tensor> {
    let y = made([x], x.shape(), |[x]| f(x))?;
    record(&[x], &y, move |dy| {
        Ok(vec![Some(made([&dy], dy.shape(), |[dy]| f(dy))?)])
    });
    Ok(y)
}

struct DropoutOp {
    rate: f32,
    scale: f32,
    stream: Stream,
}

impl DropoutOp {
    fn masked(&self, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0f32; x.len()];
        out.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .enumerate()
            .with_min_len(MIN_CHUNKS)
            .for_each(|(i, (out, x))| {
                let mut stream = self.stream.clone();
                stream.seek((i * CHUNK) as u64);
                stream.fill_uniform(out);
                for (out, x) in out.iter_mut().zip(x) {
                    *out = if *out >= self.rate {
                        x * self.scale
                    } else {
                        0.0
                    };
                }
            });
        out
    }
}

/// `x` `[n, …]` with the part `rate` of its samples set to 0 and the others scaled by `1 / (1 - rate)`: stochastic depth
/// (Huang et al., 2016), timm's `drop_path`.
///
/// Sample i is kept where value i of the stream's uniform values, from its first, is at least `rate`.
///
/// # Errors
/// As [`dropout`]; a scalar.
pub fn drop_path(x: &Tensor, rate: f64, stream: &Stream) -> Result<Tensor> {
    check("drop_path", &[("x", x)])?;
    if !(0.0..1.0).contains(&rate) {
        bail!("drop_path: the rate must be in [0, 1), got {rate}");
    }
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::drop_path(x, rate, stream);
    }
    let (mut stream, scale) = (stream.clone(), (1.0 / (1.0 - rate)) as f32);
    let draw = |_| match stream.uniform() >= rate as f32 {
        true => scale,
        false => 0.0,
    };
    let factors: Vec<f32> = (0..x.dim(0)?).map(draw).collect();
    if x.device().is_cpu() {
        let op = DropPathOp { factors };
        return linear(x, move |x| op.scaled(x));
    }
    let mut shape = vec![1; x.rank()];
    shape[0] = factors.len();
    let factors = Tensor::from_vec(factors, shape, &Device::Cpu)?;
    x.broadcast_mul(&factors.to_device(x.device())?)
}

struct DropPathOp {
    /// Of each sample.
    factors: Vec<f32>,
}

impl DropPathOp {
    fn scaled(&self, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0f32; x.len()];
        let each = (x.len() / self.factors.len().max(1)).max(1);
        out.par_chunks_mut(each)
            .zip(x.par_chunks(each).zip(&self.factors))
            .for_each(|(out, (x, factor))| {
                // A dropped sample gives zeros whatever it holds.
                if *factor > 0.0 {
                    out.iter_mut().zip(x).for_each(|(out, x)| *out = x * factor);
                }
            });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{flat, gradients, random, same_bytes_on_any_threads};
    use crate::rng::Purpose;

    fn stream() -> Stream {
        Stream::new(1, Purpose::Dropout, 2, 3)
    }

    #[test]
    fn value_i_is_kept_where_value_i_of_the_stream_says_so() {
        let x = random(&[3, 5, 2001], 1);
        let y = flat(&dropout(&x, 0.3, &stream()).unwrap());
        let mut drawn = stream();
        for (x, y) in flat(&x).into_iter().zip(y) {
            let wanted = if drawn.uniform() >= 0.3 { x / 0.7 } else { 0.0 };
            assert!((y - wanted).abs() < 1e-6, "got {y}, wanted {wanted}");
        }
    }

    #[test]
    fn the_gradient_takes_the_same_mask() {
        let x = random(&[7, 3000], 1);
        let got = gradients(&[&x], |t| dropout(&t[0], 0.5, &stream()));
        let wanted = gradients(&[&x], |t| {
            let op = DropoutOp {
                rate: 0.5,
                scale: 2.0,
                stream: stream(),
            };
            composition(&t[0], &op)
        });
        assert_eq!(flat(&got[0]), flat(&wanted[0]));
        assert_eq!(flat(&got[1]), flat(&wanted[1]));
        same_bytes_on_any_threads(&[&x], |t| dropout(&t[0], 0.5, &stream()));
    }

    #[test]
    fn a_path_is_dropped_for_whole_samples_and_so_is_its_gradient() {
        let x = random(&[64, 3, 5], 1);
        let mut drawn = stream();
        let kept: Vec<f32> = (0..64)
            .map(|_| {
                if drawn.uniform() >= 0.3 {
                    1.0 / 0.7
                } else {
                    0.0
                }
            })
            .collect();
        assert!(kept.contains(&0.0) && kept.iter().any(|factor| *factor > 0.0));
        let factors = Tensor::from_vec(kept, (64, 1, 1), &Device::Cpu).unwrap();
        let got = gradients(&[&x], |t| drop_path(&t[0], 0.3, &stream()));
        let wanted = gradients(&[&x], |t| t[0].broadcast_mul(&factors));
        assert_eq!(flat(&got[0]), flat(&wanted[0]));
        assert_eq!(flat(&got[1]), flat(&wanted[1]));
        same_bytes_on_any_threads(&[&x], |t| drop_path(&t[0], 0.3, &stream()));
        assert!(drop_path(&x, 1.0, &stream()).is_err());
    }

    #[test]
    fn a_rate_of_zero_keeps_all_and_a_rate_of_one_is_refused() {
        let x = random(&[2, 9], 1);
        assert_eq!(flat(&dropout(&x, 0.0, &stream()).unwrap()), flat(&x));
        assert!(dropout(&x, 1.0, &stream()).is_err());
    }
}
