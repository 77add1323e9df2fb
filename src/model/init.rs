//! Initial weights, by Keras's defaults.

use rayon::prelude::*;

use crate::graph::{Parameter, Role};
use crate::rng::{Purpose, Stream, name_index};

/// Values one task draws.
const CHUNK: usize = 64 * 1024;

/// The tensor's values before any training: Glorot uniform kernels, zero biases, batch normalization
/// as the identity. They depend on the seed and the tensor's name alone.
pub fn values(parameter: &Parameter, seed: u64) -> Vec<f32> {
    match parameter.role {
        Role::Kernel { .. } => {
            let limit = glorot_limit(parameter);
            uniform(parameter, seed, limit)
        }
        // With the deviation 0.02 of timm's.
        Role::Token | Role::Positions { .. } => uniform(parameter, seed, 0.02 * 3f32.sqrt()),
        Role::LayerScale { initial } => vec![initial as f32 * 1e-6; parameter.elements()],
        Role::Gamma | Role::MovingVariance => vec![1.0; parameter.elements()],
        Role::Bias | Role::Beta | Role::MovingMean => vec![0.0; parameter.elements()],
    }
}

/// Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010); a convolution's fans count
/// its receptive field, as Keras does.
fn glorot_limit(parameter: &Parameter) -> f32 {
    let (fan_in, fan_out) = match (parameter.role, parameter.extent.as_slice()) {
        (Role::Kernel { dense: true }, [h, w, i, o]) => (h * w * i, *o),
        (_, [h, w, i, o]) => (h * w * i, h * w * o),
        _ => (1, 1),
    };
    (6.0 / (fan_in + fan_out) as f64).sqrt() as f32
}

/// Uniform in ±`limit`.
fn uniform(parameter: &Parameter, seed: u64, limit: f32) -> Vec<f32> {
    let stream = Stream::new(seed, Purpose::Init, 0, name_index(&parameter.name));
    let mut values = vec![0f32; parameter.elements()];
    let chunks = values.par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(i, chunk)| {
        let mut stream = stream.clone();
        stream.seek((i * CHUNK) as u64);
        stream.fill_uniform(chunk);
        chunk.iter_mut().for_each(|v| *v = (2.0 * *v - 1.0) * limit);
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_kernel_is_drawn_as_if_in_one_go() {
        let kernel = Parameter {
            name: "conv.weight".into(),
            role: Role::Kernel { dense: false },
            extent: vec![3, 3, 64, 257],
        };
        let values = values(&kernel, 7);
        let mut stream = Stream::new(7, Purpose::Init, 0, name_index("conv.weight"));
        let limit = (6.0 / (9 * (64 + 257)) as f64).sqrt() as f32;
        assert_eq!(values.len(), 9 * 64 * 257);
        assert!(values.len() > 2 * CHUNK && !values.len().is_multiple_of(CHUNK));
        for (i, value) in values.into_iter().enumerate() {
            assert_eq!(value, (2.0 * stream.uniform() - 1.0) * limit, "value {i}");
        }
    }
}
