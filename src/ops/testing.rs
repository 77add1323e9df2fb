//! What the tests of the operations share.

use candle_core::{Device, Result, Tensor, Var};

use super::{Recording, backward_from};
use crate::rng::{Purpose, Stream};

/// Seeded values in [-1, 1).
pub fn random(dims: &[usize], seed: u64) -> Tensor {
    let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
    let count = dims.iter().product();
    let values: Vec<f32> = (0..count).map(|_| 2.0 * stream.uniform() - 1.0).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

/// The tensor's values in order.
pub fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The result of `f`, then the gradient of each input, all contiguous.
///
/// The gradients are those of the sum over output values i of y[i] × (1 + (i mod 7) / 2), so that an error
/// in one place is not hidden by another.
pub fn gradients(inputs: &[&Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) -> Vec<Tensor> {
    let vars: Vec<Var> = inputs
        .iter()
        .map(|t| Var::from_tensor(t).unwrap())
        .collect();
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let _recording = Recording::start();
    let y = f(&tensors).unwrap();
    let grads = backward_from(&y, weights(y.dims())).unwrap();
    let mut result = vec![y.detach()];
    result.extend(vars.iter().map(|v| match grads.get(v) {
        Some(grad) => grad.contiguous().unwrap(),
        None => v.zeros_like().unwrap(),
    }));
    result
}

/// The weights [`gradients`] gives the output values.
pub fn weights(dims: &[usize]) -> Tensor {
    let count: usize = dims.iter().product();
    let values: Vec<f32> = (0..count).map(|i| 1.0 + (i % 7) as f32 / 2.0).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

/// Asserts equal shapes, and a largest difference of at most `tolerance` × the largest value (or 1).
#[track_caller]
pub fn assert_close(got: &Tensor, wanted: &Tensor, tolerance: f32) {
    assert_eq!(got.dims(), wanted.dims());
    assert_values_close(&flat(got), &flat(wanted), tolerance);
}

/// As [`assert_close`], for plain values.
#[track_caller]
pub fn assert_values_close(got: &[f32], wanted: &[f32], tolerance: f32) {
    assert_eq!(got.len(), wanted.len());
    let largest = wanted.iter().fold(1f32, |m, v| m.max(v.abs()));
    for (i, (g, w)) in got.iter().zip(wanted).enumerate() {
        assert!(
            (g - w).abs() <= tolerance * largest,
            "value {i}: got {g}, wanted {w} (largest {largest})"
        );
    }
}

/// Compares each input's gradient with central differences of `reference`, an f64 form of the operation
/// that maps the inputs' values to the output's.
pub fn check_by_differences(
    inputs: &[&Tensor],
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    reference: impl Fn(&[Vec<f64>]) -> Vec<f64>,
) {
    const STEP: f64 = 1e-5;
    let got = gradients(inputs, f);
    let mut values: Vec<Vec<f64>> = inputs
        .iter()
        .map(|t| flat(t).into_iter().map(f64::from).collect())
        .collect();
    let y: Vec<f32> = reference(&values).into_iter().map(|v| v as f32).collect();
    assert_values_close(&flat(&got[0]), &y, 1e-4);

    let weights = flat(&weights(got[0].dims()));
    let total = |values: &[Vec<f64>]| -> f64 {
        let y = reference(values);
        y.iter().zip(&weights).map(|(y, w)| y * f64::from(*w)).sum()
    };
    for i in 0..inputs.len() {
        let mut wanted = Vec::new();
        for j in 0..values[i].len() {
            let middle = values[i][j];
            values[i][j] = middle + STEP;
            let above = total(&values);
            values[i][j] = middle - STEP;
            let below = total(&values);
            values[i][j] = middle;
            wanted.push(((above - below) / (2.0 * STEP)) as f32);
        }
        assert_values_close(&flat(&got[i + 1]), &wanted, 2e-4);
    }
}

/// Asserts that result and gradients have the same bytes for 1, 2 and 5 threads.
pub fn same_bytes_on_any_threads(
    inputs: &[&Tensor],
    f: impl Fn(&[Tensor]) -> Result<Tensor> + Sync,
) {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let tensors = pool.install(|| gradients(inputs, &f));
        let bits = |t: &Tensor| flat(t).into_iter().map(f32::to_bits).collect::<Vec<_>>();
        tensors.iter().map(bits).collect::<Vec<_>>()
    };
    let one = on(1);
    assert!(one == on(2) && one == on(5), "bytes depend on the threads");
}
