use super::*;
use crate::ops::testing::{
    assert_close, assert_values_close, check_by_differences, flat, gradients, random,
    same_bytes_on_any_threads,
};
use candle_core::{DType, Device};

/// The definition, in f64: `t` holds x, gamma and beta.
fn plain_loop(t: &[Vec<f64>], statistics: Option<(&[f64], &[f64])>, epsilon: f64) -> Vec<f64> {
    let c = t[1].len();
    let rows = (t[0].len() / c) as f64;
    let channel = |i: usize| t[0].iter().skip(i).step_by(c);
    let mut y = t[0].clone();
    for i in 0..c {
        let (mean, variance) = match statistics {
            Some((mean, variance)) => (mean[i], variance[i]),
            None => {
                let mean = channel(i).sum::<f64>() / rows;
                let squares = channel(i).map(|v| (v - mean).powi(2)).sum::<f64>();
                (mean, squares / rows)
            }
        };
        for v in y.iter_mut().skip(i).step_by(c) {
            *v = t[1][i] * (*v - mean) / (variance + epsilon).sqrt() + t[2][i];
        }
    }
    y
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for x in [vec![5, 3], vec![2, 3, 2, 5], vec![1, 2, 1, 1]] {
        let c = *x.last().unwrap();
        let inputs = [random(&x, 1), random(&[c], 2), random(&[c], 3)];
        check_by_differences(
            &inputs.each_ref(),
            |t| Ok(batch_norm(&t[0], &t[1], &t[2], 1e-3)?.y),
            |t| plain_loop(t, None, 1e-3),
        );
        let (mean, variance) = (vec![0.25; c], vec![0.7; c]);
        check_by_differences(
            &inputs.each_ref(),
            |t| {
                let mean = Tensor::new(&*mean, &Device::Cpu)?.to_dtype(DType::F32)?;
                let variance = Tensor::new(&*variance, &Device::Cpu)?.to_dtype(DType::F32)?;
                batch_norm_inference(&t[0], &t[1], &t[2], &mean, &variance, 1e-3)
            },
            |t| plain_loop(t, Some((&mean, &variance)), 1e-3),
        );
    }
}

#[test]
fn the_compositions_have_the_kernels_values_and_gradients() {
    for x in [vec![33, 70], vec![9, 17, 15, 33], vec![1, 4, 4, 3]] {
        let c = *x.last().unwrap();
        let inputs = [random(&x, 1), random(&[c], 2), random(&[c], 3)];
        let all = inputs.each_ref();
        let mean = random(&[c], 4);
        let variance = random(&[c], 5).sqr().unwrap();
        type Op<'a> = &'a (dyn Fn(&[Tensor]) -> Result<Tensor> + Sync);
        let training: Op = &|t| Ok(batch_norm(&t[0], &t[1], &t[2], 1e-3)?.y);
        let training_composed: Op = &|t| Ok(training::composition(&t[0], &t[1], &t[2], 1e-3)?.y);
        let inference: Op = &|t| batch_norm_inference(&t[0], &t[1], &t[2], &mean, &variance, 1e-3);
        let inference_composed: Op = &|t| {
            let (scale, shift) = inference::scale_and_shift(&t[1], &t[2], &mean, &variance, 1e-3)?;
            inference::composition(&t[0], &scale, &shift)
        };
        for (op, composed) in [
            (training, training_composed),
            (inference, inference_composed),
        ] {
            let (got, wanted) = (gradients(&all, op), gradients(&all, composed));
            got.iter()
                .zip(&wanted)
                .for_each(|(got, wanted)| assert_close(got, wanted, 1e-4));
            same_bytes_on_any_threads(&all, op);
        }
    }
}

#[test]
fn a_function_behind_is_applied_as_by_itself() {
    let c = 35;
    let inputs = [random(&[3, 4, 5, c], 1), random(&[c], 2), random(&[c], 3)];
    let (all, mean) = (inputs.each_ref(), random(&[c], 4));
    let variance = random(&[c], 5).sqr().unwrap();
    for function in Function::ALL {
        let of_batch = |t: &[Tensor], then| batch_norm_then(&t[0], &t[1], &t[2], 1e-3, then);
        let given = |t: &[Tensor], then| {
            batch_norm_inference_then(&t[0], [&t[1], &t[2]], [&mean, &variance], 1e-3, then)
        };
        for (joined, apart) in [
            (
                gradients(&all, |t| Ok(of_batch(t, Some(function))?.y)),
                gradients(&all, |t| activation(&of_batch(t, None)?.y, function)),
            ),
            (
                gradients(&all, |t| given(t, Some(function))),
                gradients(&all, |t| activation(&given(t, None)?, function)),
            ),
        ] {
            assert_eq!(flat(&joined[0]), flat(&apart[0]), "{function:?}");
            for (joined, apart) in joined.iter().zip(&apart) {
                assert_close(joined, apart, 1e-6);
            }
        }
        same_bytes_on_any_threads(&all, |t| Ok(of_batch(t, Some(function))?.y));
    }
}

/// From Keras 3.15.1 on TensorFlow 2.21 (CPU); the layer's defaults are momentum 0.99, epsilon 1e-3:
/// ```python
/// import numpy as np, keras, tensorflow as tf
/// x = tf.Variable((np.arange(3*2*2*2) % 11 - 5).reshape(3, 2, 2, 2).astype("float32") / 4)
/// layer = keras.layers.BatchNormalization(); layer.build(x.shape)
/// layer.gamma.assign([1.5, -0.5]); layer.beta.assign([0.25, 2.0])
/// for training in (True, False):
///     with tf.GradientTape() as tape:
///         y = layer(x, training=training)
///         loss = tf.reduce_sum(y * (1 + tf.cast(tf.reshape(tf.range(tf.size(y)) % 7, y.shape), "float32") / 2))
///     g = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
///     for t in (y, *g, layer.moving_mean, layer.moving_variance): print(np.asarray(t).ravel().tolist())
/// ```
#[test]
fn values_gradients_and_statistics_are_those_of_keras() {
    let x: Vec<f32> = (0..24).map(|i| (i % 11) as f32 / 4.0 - 1.25).collect();
    let inputs = [
        Tensor::from_vec(x, (3, 2, 2, 2), &Device::Cpu).unwrap(),
        Tensor::new(&[1.5f32, -0.5], &Device::Cpu).unwrap(),
        Tensor::new(&[0.25f32, 2.0], &Device::Cpu).unwrap(),
    ];
    let all = inputs.each_ref();
    let got = gradients(&all, |t| Ok(batch_norm(&t[0], &t[1], &t[2], 1e-3)?.y));
    for (got, wanted) in got.iter().zip(TRAINING) {
        assert_values_close(&flat(got), wanted, 1e-5);
    }

    let batch = batch_norm(all[0], all[1], all[2], 1e-3).unwrap();
    let mean = (batch.mean * 0.01).unwrap();
    let variance = ((batch.variance * 0.01).unwrap() + 0.99).unwrap();
    assert_values_close(&flat(&mean), MOVING[0], 1e-7);
    assert_values_close(&flat(&variance), MOVING[1], 1e-6);

    let got = gradients(&all, |t| {
        batch_norm_inference(&t[0], &t[1], &t[2], &mean, &variance, 1e-3)
    });
    for (got, wanted) in got.iter().zip(INFERENCE) {
        assert_values_close(&flat(got), wanted, 1e-6);
    }
}

#[rustfmt::skip]
const TRAINING: [&[f32]; 4] = [
    &[-1.81424, 2.568359, -0.9134806, 2.258345, -0.01272145, 1.948331, 0.8880378, 1.638317, 1.788797, 1.328303, 2.689556, 2.723366, -1.36386, 2.413352, -0.4631011, 2.103338, 0.4376582, 1.793324, 1.338417, 1.48331, 2.239177, 1.173296, -1.81424, 2.568359],
    &[-1.461427, 0.7018054, -0.1358609, -0.01919464, 1.189705, -0.7401946, 2.515271, 0.7089033, -2.464477, -0.01209675, -1.138911, -0.1777505, 2.804393, -0.8987505, -2.175355, 0.5503473, -0.8497895, -0.1706527, 0.4757766, -0.8916526, 1.801343, 0.5574452, -0.5606678, 0.3917914],
    &[5.279449, -3.151809],
    &[29.0, 28.0],
];
#[rustfmt::skip]
const MOVING: [&[f32]; 2] = [
    &[-0.001041667, -0.0008333334],
    &[0.9969227, 0.996493],
];
#[rustfmt::skip]
const INFERENCE: [&[f32]; 4] = [
    &[-1.625386, 2.500211, -0.8746063, 2.249897, -0.123826, 1.999583, 0.6269542, 1.749269, 1.377735, 1.498955, 2.128515, 2.625368, -1.249996, 2.375054, -0.4992161, 2.12474, 0.2515641, 1.874426, 1.002344, 1.624112, 1.753125, 1.373798, -1.625386, 2.500211],
    &[1.50156, -0.7509419, 3.003121, -1.25157, 4.504682, -1.752198, 6.006242, -0.5006279, 2.252341, -1.001256, 3.753901, -1.501884, 5.255462, -2.002512, 1.50156, -0.7509419, 3.003121, -1.25157, 4.504682, -1.752198, 6.006242, -0.5006279, 2.252341, -1.001256],
    &[1.40667, -4.857759],
    &[29.0, 28.0],
];

#[test]
fn the_statistics_hold_for_values_far_from_zero() {
    let (gamma, beta) = (random(&[3], 2), random(&[3], 3));
    let x = (random(&[4096, 3], 1) * 0.01).unwrap();
    let near = batch_norm(&x, &gamma, &beta, 1e-3).unwrap();
    let far = batch_norm(&(x + 100.0).unwrap(), &gamma, &beta, 1e-3).unwrap();
    let (near, far) = (flat(&near.variance), flat(&far.variance));
    for (near, far) in near.into_iter().zip(far) {
        assert!((near - far).abs() < 1e-3 * near, "{near} {far}");
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let message = batch_norm(
        &random(&[2, 3], 1),
        &random(&[4], 2),
        &random(&[3], 3),
        1e-3,
    )
    .err()
    .unwrap()
    .to_string();
    assert!(
        message.contains("gamma") && message.contains("[2, 3]"),
        "{message}"
    );
}
