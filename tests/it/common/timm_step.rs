//! The computed weights and images of `timm_step.py`.

use candle_core::{Device, Tensor};
use runner::model::weights::HostTensor;
use sha2::{Digest, Sha256};

fn splitmix64(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `uniform` of `timm_step.py`.
pub fn uniform(name: &str, count: usize, seed: u64) -> impl Iterator<Item = f64> + use<> {
    let digest = Sha256::digest(name);
    let t = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let start = (seed << 56).wrapping_add(u64::from(t) << 24);
    (0..count as u64)
        .map(move |i| (splitmix64(start.wrapping_add(i)) >> 40) as f64 / f64::from(1 << 24))
}

/// `value` of `timm_step.py`.
pub fn value(name: &str, shape: &[usize], seed: u64) -> HostTensor {
    let last = name.rsplit('.').next().unwrap();
    let fan_in: usize = shape.iter().skip(1).product();
    let vector = shape.len() == 1;
    let of = |u: f64| match last {
        "running_var" => 1.0 + u / 2.0,
        "running_mean" => (2.0 * u - 1.0) / 10.0,
        "weight" | "gamma" if vector => 1.0 + (2.0 * u - 1.0) / 10.0,
        "cls_token" | "pos_embed" => (2.0 * u - 1.0) / 10.0,
        _ if vector => (2.0 * u - 1.0) / 10.0,
        _ => (2.0 * u - 1.0) * (3.0 / fan_in as f64).sqrt(),
    };
    HostTensor {
        shape: shape.to_vec(),
        data: uniform(name, shape.iter().product(), seed)
            .map(|u| of(u) as f32)
            .collect(),
    }
}

/// `images` of `timm_step.py`, normalized.
pub fn images(n: usize, size: usize, seed: u64) -> Tensor {
    let start = (seed << 56).wrapping_add(255 << 48);
    let pixel = |i: usize| (splitmix64(start.wrapping_add(i as u64)) >> 56) as i64;
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229f32, 0.224, 0.225]);
    let blocks = size / 8;
    // Its channel, and the square that it lies in.
    let place = |i: usize| {
        let (image, y, x) = (i / (size * size * 3), i / (size * 3) % size, i / 3 % size);
        (i % 3, (image * blocks + y / 8) * blocks + x / 8)
    };
    let all = 0..n * size * size * 3;
    let mut low = vec![0i64; n * blocks * blocks * 3];
    for i in all.clone() {
        let (c, square) = place(i);
        low[square * 3 + c] += pixel(i);
    }
    let value = |i: usize| {
        let (c, square) = place(i);
        let value = ((low[square * 3 + c] / 64 - 128) * 8 + 128).clamp(0, 255);
        (value as f32 / 255.0 - mean[c]) / std[c]
    };
    let values: Vec<f32> = all.map(value).collect();
    Tensor::from_vec(values, (n, size, size, 3), &Device::Cpu).unwrap()
}
