//! Initial weights: values of the distributions that the graph gives its tensors.

#[cfg(test)]
mod tests;

use rayon::prelude::*;
use statrs::function::erf::erf_inv;

use crate::graph::{Distribution, Parameter};
use crate::rng::{Purpose, Stream, name_index};

/// Values one task draws.
const CHUNK: usize = 64 * 1024;

/// The tensor's values before any training. They depend on the seed, the tensor's name and its distribution alone.
pub fn values(parameter: &Parameter, seed: u64) -> Vec<f32> {
    match parameter.initial {
        Distribution::Constant(value) => vec![value; parameter.elements()],
        Distribution::Uniform(limit) => drawn(parameter, seed, |u| (2.0 * u - 1.0) * limit),
        Distribution::Normal(deviation) => {
            drawn(parameter, seed, |u| (deviation * normal(u)) as f32)
        }
    }
}

/// The normal distribution's quantile of a value in [0, 1) with 24 bits, taken in the middle of its interval.
fn normal(uniform: f32) -> f64 {
    let middle = f64::from(uniform) + 0.5 / f64::from(1 << 24);
    std::f64::consts::SQRT_2 * erf_inv(2.0 * middle - 1.0)
}

/// What `value` makes of uniform values in [0, 1).
fn drawn(parameter: &Parameter, seed: u64, value: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let stream = Stream::new(seed, Purpose::Init, 0, name_index(&parameter.name));
    let mut values = vec![0f32; parameter.elements()];
    let chunks = values.par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(i, chunk)| {
        let mut stream = stream.clone();
        stream.seek((i * CHUNK) as u64);
        stream.fill_uniform(chunk);
        chunk.iter_mut().for_each(|v| *v = value(*v));
    });
    values
}
