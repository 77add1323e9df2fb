//! Each operation on the GPU against the CPU. They need an NVIDIA GPU.

use std::sync::LazyLock;

use candle_core::{DType, Device, Result, Tensor, Var};

use super::{allow_tf32, open_gpu};
use crate::ops::testing::{flat, gradients, random, weights};
use crate::ops::{
    self, Conv2dConfig, Function, Padding, Pool2dConfig, Recording, backward, weighted_mean,
};
use crate::rng::{Purpose, Stream};

static GPU: LazyLock<Device> = LazyLock::new(|| open_gpu(0).expect("these tests need a GPU"));

/// An arithmetic, and how far from the CPU's f32 it may be: the norm of the difference over that of the values.
#[derive(Clone, Copy, Debug)]
struct Arithmetic {
    dtype: DType,
    tf32: bool,
    tolerance: f64,
}

const ALL: [Arithmetic; 3] = [
    Arithmetic {
        dtype: DType::F32,
        tf32: false,
        tolerance: 1e-4,
    },
    Arithmetic {
        dtype: DType::F32,
        tf32: true,
        tolerance: 3e-3,
    },
    Arithmetic {
        dtype: DType::BF16,
        tf32: false,
        tolerance: 2e-2,
    },
];

/// What [`gradients`] gives, computed on the GPU. The first `values` inputs are of the arithmetic's type, the others
/// weights.
fn on_gpu(
    inputs: &[&Tensor],
    values: usize,
    arithmetic: Arithmetic,
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> Result<Vec<Tensor>> {
    allow_tf32(arithmetic.tf32);
    let vars = inputs.iter().map(|t| Var::from_tensor(&t.to_device(&GPU)?));
    let vars: Vec<Var> = vars.collect::<Result<_>>()?;
    let _recording = Recording::start();
    let tensors = vars.iter().enumerate().map(|(i, var)| match i < values {
        true => ops::to_dtype(var.as_tensor(), arithmetic.dtype),
        false => Ok(var.as_tensor().clone()),
    });
    let y = f(&tensors.collect::<Result<Vec<_>>>()?)?;
    let single = ops::to_dtype(&y, DType::F32)?;
    let n = y.elem_count();
    let weights = (weights(y.dims()).flatten_all()? * n as f64)?.to_device(&GPU)?;
    let loss = weighted_mean(&ops::reshape(&single, &[n])?, Some(&weights))?;
    let found = backward(&loss)?;
    let mut all = vec![single.to_device(&Device::Cpu)?];
    for var in &vars {
        all.push(match found.get(var) {
            Some(gradient) => gradient.to_device(&Device::Cpu)?,
            None => var.zeros_like()?.to_device(&Device::Cpu)?,
        });
    }
    Ok(all)
}

fn distance(got: &Tensor, wanted: &Tensor) -> f64 {
    let (got, wanted) = (flat(got), flat(wanted));
    assert_eq!(got.len(), wanted.len());
    let square = |v: f64| v * v;
    let pairs = got.iter().zip(&wanted);
    let off: f64 = pairs
        .map(|(g, w)| square(f64::from(*g) - f64::from(*w)))
        .sum();
    let all: f64 = wanted.iter().map(|w| square(f64::from(*w))).sum();
    off.sqrt() / all.sqrt().max(1e-6)
}

/// Compares values and gradients with the CPU's in every arithmetic, and twice with themselves.
fn compare(name: &str, inputs: &[Tensor], values: usize, f: impl Fn(&[Tensor]) -> Result<Tensor>) {
    compare_with(name, inputs, values, false, f);
}

/// As [`compare`], of an operation that may end with ReLU.
fn compare_with(
    name: &str,
    inputs: &[Tensor],
    values: usize,
    with_relu: bool,
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    for arithmetic in ALL {
        // Both see values that the type can hold.
        let rounded = inputs.iter().enumerate().map(|(i, t)| match i < values {
            true => t
                .to_dtype(arithmetic.dtype)
                .unwrap()
                .to_dtype(DType::F32)
                .unwrap(),
            false => t.clone(),
        });
        let rounded: Vec<Tensor> = rounded.collect();
        let inputs: Vec<&Tensor> = rounded.iter().collect();
        let wanted = gradients(&inputs, &f);
        let run = || {
            on_gpu(&inputs, values, arithmetic, &f)
                .unwrap_or_else(|e| panic!("{name} {arithmetic:?}: {e}"))
        };
        let (got, again) = (run(), run());
        for (i, ((got, again), wanted)) in got.iter().zip(&again).zip(&wanted).enumerate() {
            assert_eq!(
                flat(got),
                flat(again),
                "{name} {arithmetic:?}: tensor {i} again"
            );
            // A sum that rounds to the other side of ReLU's bend loses or gains a whole gradient.
            if i > 0 && with_relu && arithmetic.tolerance > 1e-3 {
                continue;
            }
            let far = distance(got, wanted);
            assert!(
                far <= arithmetic.tolerance,
                "{name} {arithmetic:?}: tensor {i} of {:?} is {far:.2e} away",
                wanted.dims()
            );
        }
    }
}

#[test]
fn convolutions_are_those_of_the_cpu() {
    let each = Padding::Each;
    for (x, kernel, stride, padding, relu) in [
        ([4, 32, 32, 3], [3, 3, 3, 64], 1, each(1), true),
        ([3, 16, 16, 64], [3, 3, 64, 128], 1, each(1), false),
        ([2, 4, 4, 256], [3, 3, 256, 512], 1, each(1), true),
        ([2, 56, 56, 64], [1, 1, 64, 256], 1, each(0), false),
        ([2, 28, 28, 96], [1, 1, 96, 64], 2, each(0), false),
        ([2, 64, 64, 3], [7, 7, 3, 64], 2, each(3), false),
        ([2, 64, 64, 3], [16, 16, 3, 96], 16, each(0), false),
        ([2, 15, 15, 24], [3, 3, 24, 32], 2, Padding::Same, true),
        ([2, 16, 16, 24], [3, 3, 24, 40], 2, Padding::Same, false),
        ([2, 14, 14, 64], [3, 3, 16, 64], 1, each(1), false),
        ([2, 16, 16, 32], [3, 3, 1, 32], 1, each(1), false),
        ([2, 15, 15, 48], [5, 5, 1, 48], 2, Padding::Same, false),
        ([2, 14, 14, 96], [7, 7, 1, 96], 1, each(3), false),
        ([3, 9, 7, 5], [3, 3, 5, 7], 1, each(1), true),
    ] {
        let config = Conv2dConfig {
            stride,
            padding,
            relu,
            ..Conv2dConfig::default()
        };
        let fan = (kernel[0] * kernel[1] * kernel[2]) as f64;
        let weight = (random(&kernel, 2) / fan.sqrt()).unwrap();
        let inputs = [random(&x, 1), weight, random(&kernel[3..], 3)];
        let name = format!("conv2d {x:?} {kernel:?} {config:?}");
        compare_with(&name, &inputs, 1, relu, |t| {
            ops::conv2d(&t[0], &t[1], Some(&t[2]), &config)
        });
    }
}

#[test]
fn dense_layers_are_those_of_the_cpu() {
    for (x, outputs, relu) in [
        (vec![32, 512], 256, true),
        (vec![7, 33], 10, false),
        (vec![2, 197, 384], 1152, false),
    ] {
        let inputs = x.last().copied().unwrap();
        let weight = (random(&[inputs, outputs], 2) / (inputs as f64).sqrt()).unwrap();
        let tensors = [random(&x, 1), weight, random(&[outputs], 3)];
        compare_with("dense", &tensors, 1, relu, |t| {
            ops::dense(&t[0], &t[1], Some(&t[2]), relu, ops::Products::F32)
        });
    }
}

#[test]
fn functions_are_those_of_the_cpu() {
    let x = (random(&[3, 5, 7, 11], 1) * 6.0).unwrap();
    for function in Function::ALL {
        compare(&format!("{function:?}"), std::slice::from_ref(&x), 1, |t| {
            ops::activation(&t[0], function)
        });
    }
    compare("tanh", std::slice::from_ref(&x), 1, |t| ops::tanh(&t[0]));
    compare("softmax", &[random(&[9, 37], 2)], 1, |t| {
        ops::softmax(&t[0])
    });
    let two = [random(&[4, 6, 10], 1), random(&[4, 6, 10], 2)];
    compare("add", &two, 2, |t| ops::add(&t[0], &t[1], false));
    compare_with("add with ReLU", &two, 2, true, |t| {
        ops::add(&t[0], &t[1], true)
    });
    compare("a value used twice", &two[..1], 1, |t| {
        ops::add(&t[0], &ops::activation(&t[0], Function::Relu)?, false)
    });
}

#[test]
fn factors_are_those_of_the_cpu() {
    let x = random(&[3, 6, 5, 24], 1);
    let by_channel = [x.clone(), random(&[24], 2)];
    compare("layer scale", &by_channel, 1, |t| ops::scale(&t[0], &t[1]));
    let gate = [x, random(&[3, 1, 1, 24], 3)];
    compare("gate", &gate, 2, |t| ops::scale(&t[0], &t[1]));
}

#[test]
fn norms_are_those_of_the_cpu() {
    for dims in [vec![64, 10], vec![4, 9, 9, 33], vec![8, 28, 28, 64]] {
        let c = *dims.last().unwrap();
        let gamma = (random(&[c], 2) + 1.5).unwrap();
        let x = ((random(&dims, 1) * 2.0).unwrap() + 3.0).unwrap();
        let inputs = [x, gamma, random(&[c], 3)];
        compare("batch_norm", &inputs, 1, |t| {
            Ok(ops::batch_norm(&t[0], &t[1], &t[2], 1e-3)?.y)
        });
        let (mean, variance) = (random(&[c], 4), (random(&[c], 5) + 2.0).unwrap());
        compare("batch_norm_inference", &inputs, 1, |t| {
            let [mean, variance] = [&mean, &variance].map(|s| s.to_device(t[0].device()).unwrap());
            ops::batch_norm_inference(&t[0], &t[1], &t[2], &mean, &variance, 1e-3)
        });
        compare_with("batch_norm with ReLU", &inputs, 1, true, |t| {
            Ok(ops::batch_norm_then(&t[0], &t[1], &t[2], 1e-3, Some(Function::Relu))?.y)
        });
        compare_with("batch_norm_inference with ReLU", &inputs, 1, true, |t| {
            let [mean, variance] = [&mean, &variance].map(|s| s.to_device(t[0].device()).unwrap());
            let (affine, statistics) = ([&t[1], &t[2]], [&mean, &variance]);
            ops::batch_norm_inference_then(&t[0], affine, statistics, 1e-3, Some(Function::Relu))
        });
        compare("layer_norm", &inputs, 1, |t| {
            ops::layer_norm(&t[0], &t[1], &t[2], 1e-6)
        });
    }
}

#[test]
fn statistics_are_those_of_the_cpu_and_move_alike() {
    let x = (random(&[8, 13, 13, 40], 1) + 100.0).unwrap();
    let (gamma, beta) = (random(&[40], 2), random(&[40], 3));
    let on = |device: &Device| {
        let [x, gamma, beta] = [&x, &gamma, &beta].map(|t| t.to_device(device).unwrap());
        let moving = Var::from_tensor(&gamma).unwrap();
        let found = ops::batch_norm(&x, &gamma, &beta, 1e-3).unwrap();
        ops::move_towards(&moving, &found.variance, 0.9, 1.25).unwrap();
        [found.mean, found.variance, moving.as_detached_tensor()]
            .map(|t| t.to_device(&Device::Cpu).unwrap())
    };
    for (got, wanted) in on(&GPU).iter().zip(&on(&Device::Cpu)) {
        assert!(distance(got, wanted) < 1e-4);
    }
}

#[test]
fn pooling_is_that_of_the_cpu() {
    for (kernel, stride, padding, ceil_mode) in [
        (2, 2, 0, false),
        (3, 3, 0, true),
        (3, 2, 1, false),
        (3, 2, 0, true),
        (3, 1, 1, false),
    ] {
        let config = Pool2dConfig {
            kernel,
            stride,
            padding,
            ceil_mode,
        };
        let x = [random(&[3, 12, 12, 20], 1)];
        compare("max_pool2d", &x, 1, |t| ops::max_pool2d(&t[0], &config));
        compare("average_pool2d", &x, 1, |t| {
            ops::average_pool2d(&t[0], &config)
        });
    }
    // Of equals the first has the gradient.
    let equal = [Tensor::ones((2, 6, 6, 8), DType::F32, &Device::Cpu).unwrap()];
    let config = Pool2dConfig {
        kernel: 3,
        stride: 2,
        padding: 1,
        ceil_mode: false,
    };
    compare("max_pool2d of equals", &equal, 1, |t| {
        ops::max_pool2d(&t[0], &config)
    });
    let x = [random(&[3, 7, 7, 50], 1)];
    compare("global_average_pool", &x, 1, |t| {
        ops::global_average_pool(&t[0])
    });
}

#[test]
fn tokens_are_those_of_the_cpu() {
    let qkv = [(random(&[2, 50, 3 * 128], 1) * 2.0).unwrap()];
    compare("attention", &qkv, 1, |t| ops::attention(&t[0], 4));
    let tokens = [
        random(&[2, 9, 16], 1),
        random(&[1, 1, 16], 2),
        random(&[1, 10, 16], 3),
    ];
    compare("embed", &tokens, 1, |t| ops::embed(&t[0], &t[1], &t[2]));
    compare("first_token", &tokens[..1], 1, |t| ops::first_token(&t[0]));
    let two = [random(&[2, 3, 3, 8], 1), random(&[2, 3, 3, 12], 2)];
    compare("concat", &two, 2, |t| ops::concat(&t[0], &t[1]));
}

#[test]
fn masks_are_those_of_the_cpu() {
    let stream = Stream::new(7, Purpose::Dropout, 3, 0x1234_5678_9abc_def0);
    let x = [random(&[37, 3, 5], 1)];
    compare("dropout", &x, 1, |t| ops::dropout(&t[0], 0.5, &stream));
    compare("drop_path", &x, 1, |t| ops::drop_path(&t[0], 0.3, &stream));
}

#[test]
fn losses_are_those_of_the_cpu() {
    for classes in [3, 10, 1000] {
        let logits = [(random(&[16, classes], 1) * 5.0).unwrap()];
        let mut targets = vec![0.01f32; 16 * classes];
        (0..16).for_each(|i| targets[i * classes + (i * 7) % classes] = 0.9);
        let targets = Tensor::from_vec(targets, (16, classes), &Device::Cpu).unwrap();
        let of = |t: &Tensor| targets.to_device(t.device());
        compare("softmax", &logits, 1, |t| {
            ops::softmax_cross_entropy(&t[0], &of(&t[0])?)
        });
        compare("sigmoid", &logits, 1, |t| {
            ops::sigmoid_cross_entropy(&t[0], &of(&t[0])?)
        });
    }
}
