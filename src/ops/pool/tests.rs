use super::*;
use crate::ops::testing::{
    assert_close, check_by_differences, flat, gradients, random, same_bytes_on_any_threads,
};
use candle_core::{Device, Tensor};

fn config(kernel: usize, stride: usize, padding: usize, ceil_mode: bool) -> Pool2dConfig {
    Pool2dConfig {
        kernel,
        stride,
        padding,
        ceil_mode,
    }
}

/// The definition, in f64, with the number of windows found by trying each: `of` of the pixels of each.
fn plain_loop(dims: &[usize], p: &Pool2dConfig, x: &[f64], of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let [n, h, w, c] = dims.try_into().unwrap();
    let starts = |size: usize| -> Vec<isize> {
        let padding = p.padding as isize;
        (0..)
            .map(|o| o * p.stride as isize - padding)
            .take_while(|start| {
                let fits = start + p.kernel as isize <= size as isize + padding;
                // How far a window of the ceiling's kind may begin.
                let reach = size as isize + padding - p.kernel as isize + p.stride as isize;
                fits || (p.ceil_mode && *start < size as isize && *start < reach)
            })
            .collect()
    };
    let mut y = Vec::new();
    for image in 0..n {
        for y0 in starts(h) {
            for x0 in starts(w) {
                for i in 0..c {
                    let side = p.kernel as isize;
                    let inside = |v: &isize, size: usize| (0..size as isize).contains(v);
                    let mut seen = Vec::new();
                    for py in (y0..y0 + side).filter(|v| inside(v, h)) {
                        for px in (x0..x0 + side).filter(|v| inside(v, w)) {
                            let place = (image * h + py as usize) * w + px as usize;
                            seen.push(x[place * c + i]);
                        }
                    }
                    y.push(of(&seen));
                }
            }
        }
    }
    y
}

fn cases() -> [([usize; 4], Pool2dConfig); 9] {
    [
        ([2, 4, 6, 3], config(2, 2, 0, false)),
        ([1, 5, 7, 2], config(2, 2, 0, false)),
        ([1, 5, 7, 2], config(2, 2, 0, true)),
        ([2, 7, 6, 3], config(3, 2, 0, true)),
        ([2, 7, 6, 3], config(3, 2, 1, true)),
        ([1, 8, 8, 1], config(3, 1, 1, false)),
        ([1, 5, 5, 2], config(2, 3, 1, true)),
        ([3, 6, 5, 2], config(1, 2, 0, true)),
        ([1, 9, 4, 2], config(4, 3, 2, false)),
    ]
}

#[test]
fn max_pooling_holds_against_differences_and_composition() {
    let most = |seen: &[f64]| seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for (dims, p) in cases() {
        let x = random(&dims, 3);
        check_by_differences(
            &[&x],
            |t| max_pool2d(&t[0], &p),
            |t| plain_loop(&dims, &p, &t[0], most),
        );
        let got = gradients(&[&x], |t| max_pool2d(&t[0], &p));
        let wanted = gradients(&[&x], |t| max::composition(&t[0], &p));
        assert_eq!(flat(&got[0]), flat(&wanted[0]));
        assert_close(&got[1], &wanted[1], 1e-6);
        same_bytes_on_any_threads(&[&x], |t| max_pool2d(&t[0], &p));
    }
}

#[test]
fn of_equal_values_the_first_takes_the_gradient() {
    let x = Tensor::new(&[0f32, 5., 5., 5., 1., 5., 0., 0., 0.], &Device::Cpu).unwrap();
    let x = x.reshape((1, 3, 3, 1)).unwrap();
    let p = config(2, 1, 0, false);
    for f in [max_pool2d, max::composition] {
        let got = gradients(&[&x], |t| f(&t[0], &p));
        assert_eq!(flat(&got[0]), [5., 5., 5., 5.]);
        // The weights of the four windows are 1, 1.5, 2 and 2.5.
        assert_eq!(flat(&got[1]), [0., 2.5, 0., 2., 0., 2.5, 0., 0., 0.]);
    }
}

/// From Keras 3.15.1 on TensorFlow 2.21 (CPU); the odd last row is dropped:
/// ```python
/// import numpy as np, keras, tensorflow as tf
/// x = tf.Variable((np.arange(1*5*6*1) * 7 % 5).reshape(1, 5, 6, 1).astype("float32"))
/// with tf.GradientTape() as tape:
///     y = keras.ops.max_pool(x, 2, strides=2, padding="valid")
///     loss = tf.reduce_sum(y * (1 + tf.cast(tf.reshape(tf.range(tf.size(y)) % 7, y.shape), "float32") / 2))
/// for v in (y, tape.gradient(loss, x)): print(np.asarray(v).ravel().tolist())
/// ```
#[test]
fn max_pooling_gives_the_values_and_gradients_of_keras() {
    let x: Vec<f32> = (0..30).map(|i| (i * 7 % 5) as f32).collect();
    let x = Tensor::from_vec(x, (1, 5, 6, 1), &Device::Cpu).unwrap();
    let got = gradients(&[&x], |t| max_pool2d(&t[0], &config(2, 2, 0, false)));
    assert_eq!(flat(&got[0]), [4.0, 4.0, 3.0, 4.0, 3.0, 4.0]);
    let mut wanted = vec![0.0; 30];
    for (place, value) in [
        (2, 1.5),
        (4, 2.0),
        (7, 1.0),
        (12, 2.5),
        (14, 3.0),
        (17, 3.5),
    ] {
        wanted[place] = value;
    }
    assert_eq!(flat(&got[1]), wanted);
}

#[test]
fn nan_wins_a_window_and_takes_its_gradient() {
    let x = Tensor::new(&[1f32, f32::NAN, 3., f32::NAN], &Device::Cpu).unwrap();
    let x = x.reshape((1, 2, 2, 1)).unwrap();
    let got = gradients(&[&x], |t| max_pool2d(&t[0], &config(2, 2, 0, false)));
    assert!(flat(&got[0])[0].is_nan());
    assert_eq!(flat(&got[1]), [0., 1., 0., 0.]);
}

#[test]
fn windows_that_cannot_be_are_refused() {
    let x = random(&[1, 4, 4, 1], 1);
    for (p, named) in [
        (config(5, 1, 0, false), "[1, 4, 4, 1]"),
        (config(0, 1, 0, false), "at least 1"),
        (config(2, 0, 0, false), "at least 1"),
        (config(3, 1, 2, false), "half"),
    ] {
        let message = max_pool2d(&x, &p).unwrap_err().to_string();
        assert!(message.contains(named), "{message}");
    }
    assert!(max_pool2d(&random(&[4, 4, 1], 1), &config(2, 2, 0, false)).is_err());
}

#[test]
fn average_pooling_holds_against_differences_and_composition() {
    let mean = |seen: &[f64]| seen.iter().sum::<f64>() / seen.len() as f64;
    for (dims, p) in cases() {
        let x = random(&dims, 3);
        check_by_differences(
            &[&x],
            |t| average_pool2d(&t[0], &p),
            |t| plain_loop(&dims, &p, &t[0], mean),
        );
        let got = gradients(&[&x], |t| average_pool2d(&t[0], &p));
        let wanted = gradients(&[&x], |t| average::composition(&t[0], &p));
        assert_close(&got[0], &wanted[0], 1e-6);
        assert_close(&got[1], &wanted[1], 1e-6);
        same_bytes_on_any_threads(&[&x], |t| average_pool2d(&t[0], &p));
    }
}

/// From PyTorch 2.15:
/// ```python
/// import numpy as np, torch
/// x = torch.tensor((np.arange(30) * 7 % 5).reshape(1, 1, 5, 6).astype("float32"), requires_grad=True)
/// y = torch.nn.functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)
/// (y * (1 + torch.arange(y.numel()).reshape(y.shape) % 7 / 2)).sum().backward()
/// print(y.flatten().tolist(), x.grad.flatten().tolist())
/// ```
#[test]
fn average_pooling_gives_the_values_and_gradients_of_pytorch() {
    let x: Vec<f32> = (0..30).map(|i| (i * 7 % 5) as f32).collect();
    let x = Tensor::from_vec(x, (1, 5, 6, 1), &Device::Cpu).unwrap();
    let got = gradients(&[&x], |t| average_pool2d(&t[0], &config(3, 2, 1, true)));
    #[rustfmt::skip]
    let (y, dx) = (
        [2.0, 2.5, 1.5, 1.0, 2.5, 1.8888889, 2.0, 2.3333333, 1.75, 1.8333334, 2.5, 2.0],
        [0.25, 0.5, 0.25, 0.5833334, 0.3333333, 1.5833334, 0.75, 1.3888889, 0.6388889, 1.4166667, 0.7777778, 2.3611111,
         0.5, 0.8888889, 0.3888889, 0.8333334, 0.44444445, 0.7777778, 0.875, 1.5972222, 0.7222222, 1.5833334, 0.8611111,
         2.6944444, 0.375, 0.7083333, 0.3333333, 0.75, 0.41666666, 1.9166666],
    );
    for (got, wanted) in [(&got[0], &y[..]), (&got[1], &dx)] {
        let wanted = Tensor::new(wanted, &Device::Cpu).unwrap();
        let wanted = wanted.to_dtype(got.dtype()).unwrap();
        assert_close(got, &wanted.reshape(got.shape()).unwrap(), 1e-6);
    }
}

#[test]
fn global_pooling_holds_against_differences_and_composition() {
    for dims in [[1, 1, 1, 1], [2, 3, 5, 4], [3, 13, 13, 20]] {
        let x = random(&dims, 2);
        let [_, h, w, c] = dims;
        if x.elem_count() < 1000 {
            check_by_differences(
                &[&x],
                |t| global_average_pool(&t[0]),
                |t| {
                    let mean = |image: &[f64], i: usize| {
                        image.iter().skip(i).step_by(c).sum::<f64>() / (h * w) as f64
                    };
                    let images = t[0].chunks(h * w * c);
                    images
                        .flat_map(|image| (0..c).map(move |i| mean(image, i)))
                        .collect()
                },
            );
        }
        let got = gradients(&[&x], |t| global_average_pool(&t[0]));
        let wanted = gradients(&[&x], |t| global::composition(&t[0]));
        assert_close(&got[0], &wanted[0], 1e-6);
        assert_close(&got[1], &wanted[1], 1e-6);
        same_bytes_on_any_threads(&[&x], |t| global_average_pool(&t[0]));
    }
}
