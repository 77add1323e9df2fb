//! Initial weights, by Keras's defaults.

use super::layer::{Parameter, Role};
use crate::rng::{Purpose, Stream, name_index};

/// The tensor's values before any training: Glorot uniform kernels, zero biases, batch normalization
/// as the identity. They depend on the seed and the tensor's name alone.
pub fn values(parameter: &Parameter, seed: u64) -> Vec<f32> {
    match parameter.role {
        Role::Kernel { .. } => glorot_uniform(parameter, seed),
        Role::Gamma | Role::MovingVariance => vec![1.0; parameter.elements()],
        Role::Bias | Role::Beta | Role::MovingMean => vec![0.0; parameter.elements()],
    }
}

/// Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010); a convolution's fans count
/// its receptive field, as Keras does.
fn glorot_uniform(parameter: &Parameter, seed: u64) -> Vec<f32> {
    let (fan_in, fan_out) = match (parameter.role, parameter.extent.as_slice()) {
        (Role::Kernel { dense: true }, [h, w, i, o]) => (h * w * i, *o),
        (_, [h, w, i, o]) => (h * w * i, h * w * o),
        _ => (1, 1),
    };
    let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
    let mut stream = Stream::new(seed, Purpose::Init, 0, name_index(&parameter.name));
    (0..parameter.elements())
        .map(|_| (2.0 * stream.uniform() - 1.0) * limit)
        .collect()
}
