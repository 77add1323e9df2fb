use super::*;
use crate::ops::matrix::Matrix;
use crate::ops::testing::{
    assert_close, assert_values_close, check_by_differences, flat, gradients, random,
    same_bytes_on_any_threads,
};
use crate::ops::{Recording, backward_from, is_wanted};
use crate::rng::{Purpose, Stream};
use candle_core::Device;

fn config(stride: usize, padding: usize, relu: bool) -> Conv2dConfig {
    Conv2dConfig {
        stride,
        padding: Padding::Each(padding),
        relu,
        ..Conv2dConfig::default()
    }
}

/// The definition, in f64: `t` holds x, the kernel and the bias.
fn plain_loop(x: &[usize], kernel: &[usize], c: &Conv2dConfig, t: &[Vec<f64>]) -> Vec<f64> {
    let [n, h, w, cin] = x.try_into().unwrap();
    let [kh, kw, depth, cout] = kernel.try_into().unwrap();
    let (top, ho) = c.padding.along(h, kh, c.stride).unwrap();
    let (left, wo) = c.padding.along(w, kw, c.stride).unwrap();
    let mut out = Vec::new();
    for (image, oy, ox) in places(n, ho, wo) {
        for o in 0..cout {
            // The first channel of the output channel's group.
            let first = o / (cout / (cin / depth)) * depth;
            let mut sum = t[2][o];
            for (ky, kx, i) in places(kh, kw, depth) {
                let (y, x) = (oy * c.stride + ky, ox * c.stride + kx);
                if (top..h + top).contains(&y) && (left..w + left).contains(&x) {
                    let pixel = (image * h + y - top) * w + x - left;
                    let seen = t[0][pixel * cin + first + i];
                    sum += seen * t[1][((ky * kw + kx) * depth + i) * cout + o];
                }
            }
            out.push(if c.relu { sum.max(0.0) } else { sum });
        }
    }
    out
}

fn places(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}

fn inputs(x: &[usize], kernel: &[usize], seed: u64) -> [Tensor; 3] {
    let cout = kernel[3];
    [
        random(x, seed),
        random(kernel, seed + 1),
        random(&[cout], seed + 2),
    ]
}

#[test]
fn groups_and_same_padding_hold_against_differences() {
    let (each, same) = (Padding::Each, Padding::Same);
    for (x, kernel, stride, padding) in [
        ([2, 5, 7, 6], [3, 3, 2, 9], 1, each(1)),
        ([1, 7, 6, 4], [3, 3, 2, 4], 2, each(1)),
        ([2, 5, 4, 5], [3, 3, 1, 5], 1, each(1)),
        ([1, 7, 8, 3], [5, 5, 1, 3], 2, each(2)),
        ([1, 8, 7, 3], [3, 3, 1, 3], 2, same),
        ([1, 9, 6, 2], [5, 5, 2, 3], 2, same),
        ([2, 6, 7, 3], [3, 3, 3, 2], 1, same),
        ([1, 8, 12, 3], [4, 4, 3, 5], 4, each(0)),
        ([1, 1, 1, 4], [5, 5, 1, 4], 2, same),
    ] {
        let config = Conv2dConfig {
            stride,
            padding,
            relu: false,
            ..Conv2dConfig::default()
        };
        let inputs = inputs(&x, &kernel, 3);
        check_by_differences(
            &inputs.each_ref(),
            |t| conv2d(&t[0], &t[1], Some(&t[2]), &config),
            |t| plain_loop(&x, &kernel, &config, t),
        );
        let got = gradients(&inputs.each_ref(), |t| {
            conv2d(&t[0], &t[1], Some(&t[2]), &config)
        });
        let wanted = gradients(&inputs.each_ref(), |t| {
            composition::conv2d(&t[0], &t[1], Some(&t[2]), &config)
        });
        for (got, wanted) in got.iter().zip(&wanted) {
            assert_close(got, wanted, 1e-5);
        }
    }
}

#[test]
fn groups_have_the_same_bytes_on_any_threads_and_among_other_images() {
    for (x, kernel, stride) in [
        ([5, 30, 31, 48], [3, 3, 1, 48], 1),
        ([5, 29, 30, 48], [5, 5, 1, 48], 2),
        ([3, 20, 21, 48], [3, 3, 16, 96], 2),
    ] {
        let config = config(stride, 1, true);
        let [x, kernel, bias] = inputs(&x, &kernel, 1);
        let f = |t: &[Tensor]| conv2d(&t[0], &t[1], Some(&t[2]), &config);
        same_bytes_on_any_threads(&[&x, &kernel, &bias], f);
        let all = conv2d(&x, &kernel, Some(&bias), &config).unwrap();
        let alone = conv2d(&x.narrow(0, 1, 1).unwrap(), &kernel, Some(&bias), &config).unwrap();
        assert_eq!(flat(&all.narrow(0, 1, 1).unwrap()), flat(&alone));
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for (x, kernel, stride, padding, relu) in [
        ([1, 5, 7, 3], [3, 3, 3, 4], 1, 1, true),
        ([2, 2, 2, 5], [3, 3, 5, 6], 1, 1, true),
        ([2, 6, 5, 2], [3, 3, 2, 3], 2, 0, false),
        ([1, 7, 8, 2], [2, 3, 2, 3], 3, 1, false),
        ([3, 4, 3, 2], [1, 1, 2, 3], 1, 0, true),
        ([1, 4, 4, 2], [1, 1, 2, 3], 2, 0, false),
        ([1, 3, 3, 1], [3, 3, 1, 1], 1, 0, false),
        ([1, 3, 4, 2], [3, 3, 2, 2], 1, 3, false),
        ([2, 5, 5, 2], [5, 5, 2, 2], 1, 2, false),
        ([2, 4, 6, 2], [3, 1, 2, 2], 1, 0, true),
    ] {
        let config = config(stride, padding, relu);
        let tensors = inputs(&x, &kernel, 7);
        check_by_differences(
            &tensors.each_ref(),
            |t| conv2d(&t[0], &t[1], Some(&t[2]), &config),
            |t| plain_loop(&x, &kernel, &config, t),
        );
    }
}

#[test]
fn values_are_those_of_a_plain_loop_on_random_shapes() {
    let mut stream = Stream::new(11, Purpose::Split, 0, 0);
    let mut up_to = |n: u32| 1 + stream.below(n) as usize;
    for seed in 0..60 {
        let kernel = [up_to(5), up_to(5), up_to(70), up_to(140)];
        let size = [
            up_to(4),
            kernel[0] + up_to(9) - 1,
            kernel[1] + up_to(9) - 1,
            kernel[2],
        ];
        let config = config(up_to(3), up_to(4) - 1, seed % 2 == 0);
        let tensors = inputs(&size, &kernel, seed);
        let got = conv2d(&tensors[0], &tensors[1], Some(&tensors[2]), &config).unwrap();
        let wide = tensors
            .each_ref()
            .map(|t| flat(t).into_iter().map(f64::from).collect());
        let wanted = plain_loop(&size, &kernel, &config, &wide);
        let wanted: Vec<f32> = wanted.into_iter().map(|v| v as f32).collect();
        assert_values_close(&flat(&got), &wanted, 1e-5);
    }
}

/// The composition uses other sums, and candle's own gradients.
#[test]
fn the_composition_has_the_kernels_values_and_gradients() {
    for (x, kernel, stride, padding, relu) in [
        ([2, 4, 4, 70], [3, 3, 70, 130], 1, 1, true),
        ([3, 2, 2, 600], [3, 3, 600, 20], 1, 1, true),
        ([2, 17, 15, 3], [3, 3, 3, 64], 2, 0, false),
        ([3, 19, 18, 8], [3, 3, 8, 9], 1, 1, true),
        ([2, 12, 12, 520], [1, 1, 520, 16], 1, 0, true),
        ([40, 8, 8, 5], [3, 3, 5, 7], 1, 1, false),
        ([2, 9, 9, 4], [2, 2, 4, 600], 3, 1, false),
        // The kernel used where it lies for the gradient of x; also of a single pixel's row.
        ([3, 2, 2, 40], [3, 3, 40, 300], 1, 1, true),
        ([1, 1, 1, 30], [3, 3, 30, 130], 1, 1, false),
        ([2, 5, 6, 24], [3, 3, 24, 600], 1, 1, true),
        // By Winograd's way, with full and cut tiles, one and several blocks.
        ([2, 8, 8, 32], [3, 3, 32, 48], 1, 1, true),
        ([3, 7, 13, 80], [3, 3, 80, 144], 1, 1, false),
        ([40, 4, 4, 144], [3, 3, 144, 64], 1, 1, true),
        ([2, 14, 10, 64], [3, 3, 64, 32], 1, 0, true),
        ([1, 6, 6, 32], [3, 3, 32, 32], 1, 2, true),
        // Each channel by itself: several vectors, one, and what is left; more outputs than are inside, and none inside.
        ([3, 9, 11, 91], [3, 3, 1, 91], 1, 1, true),
        ([2, 8, 9, 43], [3, 3, 1, 43], 2, 1, false),
        ([2, 7, 9, 75], [5, 5, 1, 75], 1, 2, true),
        ([3, 10, 7, 40], [5, 5, 1, 40], 2, 2, false),
        ([2, 9, 8, 53], [7, 7, 1, 53], 1, 3, false),
        ([2, 3, 2, 40], [7, 7, 1, 40], 1, 3, true),
        ([1, 12, 9, 40], [4, 4, 1, 40], 3, 0, false),
    ] {
        let config = config(stride, padding, relu);
        let tensors = inputs(&x, &kernel, 3);
        let got = gradients(&tensors.each_ref(), |t| {
            conv2d(&t[0], &t[1], Some(&t[2]), &config)
        });
        let wanted = gradients(&tensors.each_ref(), |t| {
            composition::conv2d(&t[0], &t[1], Some(&t[2]), &config)
        });
        got.iter()
            .zip(&wanted)
            .for_each(|(got, wanted)| assert_close(got, wanted, 1e-4));
    }
}

/// A golden run depends on it: with the usual points, or sums over all channels in one go, it ends elsewhere.
#[test]
fn winograds_way_rounds_little_more_than_the_definition() {
    let (x, kernel) = ([2, 8, 8, 256], [3, 3, 256, 64]);
    let config = config(1, 1, false);
    let shape = Shape::new(&x, &kernel, &config).unwrap();
    assert!(winograd::pays(&shape));
    let tensors = inputs(&x, &kernel, 13);
    let wide = tensors
        .each_ref()
        .map(|t| flat(t).into_iter().map(f64::from).collect());
    let exact = plain_loop(&x, &kernel, &config, &wide);
    let [x, kernel, bias] = tensors.each_ref().map(flat);
    let finish = Finish {
        bias: Some(&bias),
        ..Finish::default()
    };
    let matrix = Matrix::new(&kernel, shape.depth(), shape.cout);
    let error = |values: Vec<f32>| {
        let squares = values
            .iter()
            .zip(&exact)
            .map(|(v, e)| (f64::from(*v) - e).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let direct = error(forward::convolve(&shape, &x, matrix, finish));
    let kernel = winograd::Kernel::Plain(&kernel);
    let winograd = error(winograd::convolve(&shape, &x, kernel, finish));
    assert!(winograd < 3.0 * direct, "{winograd:e} {direct:e}");
}

/// From Keras 3.15.1 on TensorFlow 2.21 (CPU):
/// ```python
/// import numpy as np, keras, tensorflow as tf
/// x = tf.Variable((np.arange(2*5*4*2) % 11 - 5).reshape(2, 5, 4, 2).astype("float32") / 4)
/// k = tf.Variable((np.arange(3*3*2*2) % 7 - 3).reshape(3, 3, 2, 2).astype("float32") / 2)
/// b = tf.Variable(np.array([0.25, -0.5], "float32"))
/// with tf.GradientTape() as tape:
///     y = keras.ops.relu(keras.ops.conv(x, k, strides=2, padding="valid") + b)
///     loss = tf.reduce_sum(y * (1 + tf.cast(tf.reshape(tf.range(tf.size(y)) % 7, y.shape), "float32") / 2))
/// g = tape.gradient(loss, [x, k, b])
/// for t in (y, *g): print(np.asarray(t).ravel().tolist())
/// ```
#[test]
fn values_and_gradients_are_those_of_keras() {
    let at = |i: usize, period: usize, by: f32| (i % period) as f32 / by;
    let x: Vec<f32> = (0..80).map(|i| at(i, 11, 4.0) - 1.25).collect();
    let kernel: Vec<f32> = (0..36).map(|i| at(i, 7, 2.0) - 1.5).collect();
    let tensors = [
        Tensor::from_vec(x, (2, 5, 4, 2), &Device::Cpu).unwrap(),
        Tensor::from_vec(kernel, (3, 3, 2, 2), &Device::Cpu).unwrap(),
        Tensor::new(&[0.25f32, -0.5], &Device::Cpu).unwrap(),
    ];
    let got = gradients(&tensors.each_ref(), |t| {
        conv2d(&t[0], &t[1], Some(&t[2]), &config(2, 0, true))
    });
    for (got, wanted) in got.iter().zip(KERAS) {
        assert_values_close(&flat(got), wanted, 1e-6);
    }
}

#[rustfmt::skip]
const KERAS: [&[f32]; 4] = [
    &[0.5, 0.625, 0.5, 0.0, 3.25, 0.0, 0.0, 4.375],
    &[-3.0, -0.5, 2.0, -0.75, -1.75, 0.75, 0.0, 0.0, 3.25, -3.0, -0.5, 2.0, -0.75, -1.75, 0.0, 0.0, -2.25, 2.25, -2.0, 2.5, 0.0, -0.75, 0.0, 0.0, 2.0, -3.0, -1.0, 1.0, 3.0, -2.0, 0.0, 0.0, 0.0, 2.0, -3.0, -1.0, 1.0, 3.0, 0.0, 0.0, -4.5, -1.5, 1.5, 4.5, -3.0, 0.0, 0.0, 0.0, 3.0, -4.5, -1.5, 1.5, 4.5, -3.0, 0.0, 0.0, -1.0, 3.0, -3.5, -3.0, 1.0, 5.0, 0.0, 0.0, 1.5, -1.0, 0.0, 1.0, -1.5, -0.5, 0.0, 0.0, 0.5, 1.5, -1.0, 0.0, 1.0, -1.5, 0.0, 0.0],
    &[0.25, -2.875, 1.75, -2.25, 3.25, -1.625, 4.75, -1.0, -2.0, -0.375, -0.5, 0.25, -1.5, 2.125, 0.0, 2.75, 1.5, 0.625, 0.25, -2.875, 1.75, -2.25, 3.25, -1.625, -0.5, 0.25, -4.5, 0.875, -3.0, 1.5, -1.5, 2.125, 0.0, 2.75, 1.5, 0.625],
    &[6.0, 2.5],
];

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    for (x, kernel) in [
        ([9, 16, 16, 3], [3, 3, 3, 64]),
        ([16, 16, 16, 64], [3, 3, 64, 16]),
        ([5, 4, 4, 80], [3, 3, 80, 150]),
        ([7, 2, 2, 300], [3, 3, 300, 300]),
        ([3, 7, 7, 40], [1, 1, 40, 50]),
        ([40, 8, 8, 48], [3, 3, 48, 80]),
    ] {
        let tensors = inputs(&x, &kernel, 5);
        let config = config(1, kernel[0] / 2, true);
        same_bytes_on_any_threads(&tensors.each_ref(), |t| {
            conv2d(&t[0], &t[1], Some(&t[2]), &config)
        });
    }
}

#[test]
fn an_images_bytes_do_not_depend_on_the_rest_of_the_batch() {
    for (h, cin, cout, k) in [
        (2, 300, 130, 3),
        (4, 64, 64, 3),
        (7, 32, 96, 3),
        (9, 3, 64, 3),
        (1, 600, 1, 1),
    ] {
        let [x, kernel, bias] = inputs(&[70, h, h, cin], &[k, k, cin, cout], 9);
        let run = |x: &Tensor| conv2d(x, &kernel, Some(&bias), &config(1, k / 2, true)).unwrap();
        let all = run(&x);
        for (start, count) in [(0, 1), (69, 1), (4, 3), (1, 37)] {
            let some = run(&x.narrow(0, start, count).unwrap());
            assert_eq!(flat(&some), flat(&all.narrow(0, start, count).unwrap()));
        }
    }
}

#[test]
fn only_tracked_inputs_get_a_gradient() {
    let [x, kernel, bias] = inputs(&[2, 4, 4, 3], &[3, 3, 3, 2], 1);
    let kernel = candle_core::Var::from_tensor(&kernel).unwrap();
    let _recording = Recording::start();
    let y = conv2d(&x, &kernel, Some(&bias), &config(1, 1, true)).unwrap();
    let frozen = conv2d(&x, &kernel.detach(), Some(&bias), &config(1, 1, true)).unwrap();
    assert!(is_wanted(&y) && !is_wanted(&frozen));
    let grads = backward_from(&y, y.ones_like().unwrap()).unwrap();
    assert!(grads.get(&kernel).is_some());
    assert!(grads.get(&x).is_none() && grads.get(&bias).is_none());
}

#[test]
fn inputs_need_not_be_contiguous() {
    let [x, kernel, _] = inputs(&[2, 3, 5, 4], &[3, 3, 3, 2], 1);
    let config = config(1, 1, false);
    let view = x.permute((0, 3, 2, 1)).unwrap();
    let got = gradients(&[&x, &kernel], |t| {
        conv2d(&t[0].permute((0, 3, 2, 1))?, &t[1], None, &config)
    });
    let wanted = conv2d(&view.contiguous().unwrap(), &kernel, None, &config).unwrap();
    assert_eq!(flat(&got[0]), flat(&wanted));
}

#[test]
fn what_does_not_fit_is_refused_with_the_shapes() {
    let x = random(&[1, 4, 4, 3], 1);
    for (kernel, bias, stride, named) in [
        (random(&[3, 3, 2, 5], 2), None, 1, "[3, 3, 2, 5]"),
        (random(&[7, 7, 3, 5], 2), None, 1, "[7, 7, 3, 5]"),
        (random(&[3, 3, 3], 2), None, 1, "[3, 3, 3]"),
        (random(&[3, 3, 3, 5], 2), None, 0, "stride"),
        (random(&[3, 3, 3, 5], 2), Some(random(&[4], 3)), 1, "[5]"),
        (
            Tensor::zeros((3, 3, 3, 5), candle_core::DType::F64, &Device::Cpu).unwrap(),
            None,
            1,
            "F64",
        ),
        (
            Tensor::zeros((3, 3, 3, 0), candle_core::DType::F32, &Device::Cpu).unwrap(),
            None,
            1,
            "no elements",
        ),
    ] {
        let message = conv2d(&x, &kernel, bias.as_ref(), &config(stride, 0, false))
            .unwrap_err()
            .to_string();
        assert!(message.contains(named), "{message}");
    }
}

/// Each a multiple of nothing, and of more than the terms that are added at a time.
#[test]
fn long_and_odd_sums_are_those_of_the_definition() {
    for (x, kernel, stride, padding) in [
        ([1, 5, 6, 1030], [1, 1, 1030, 9], 1, 0),
        ([2, 9, 9, 70], [3, 3, 70, 35], 2, 1),
        ([1, 12, 13, 3], [4, 4, 3, 50], 4, 0),
        ([1, 11, 12, 3], [7, 7, 3, 17], 2, 3),
        ([2, 8, 8, 40], [3, 3, 20, 6], 1, 1),
    ] {
        let config = config(stride, padding, true);
        let t = inputs(&x, &kernel, 3);
        let values = t
            .each_ref()
            .map(|t| flat(t).into_iter().map(f64::from).collect());
        let wanted = plain_loop(&x, &kernel, &config, &values);
        let got = flat(&conv2d(&t[0], &t[1], Some(&t[2]), &config).unwrap());
        for (got, wanted) in got.iter().zip(&wanted) {
            assert!((f64::from(*got) - wanted).abs() < 2e-5 * (1.0 + wanted.abs()) * 8.0);
        }
        same_bytes_on_any_threads(&[&t[0], &t[1]], |t| conv2d(&t[0], &t[1], None, &config));
    }
}
