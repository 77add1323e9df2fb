//! How fast each operation is, on VGG-16's shapes at 32×32 in batches of 32.
//!
//! Convolutions and dense layers count a multiplication and an addition as two floating-point operations, taps that
//! meet padding too, so that criterion's `Gelem/s` is GFLOP/s; `benches/share-of-peak` sets them beside `peak/gemm`.
//! The others count bytes read and written once, the optimizers weights.
//!
//! A gradient is timed through `ops::backward_from`, without the forward pass that is recorded for it.

use std::hint::black_box;
use std::time::Duration;

use candle_core::{Device, Result, Tensor, Var};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gemm::Parallelism;
use runner::ops::{self, Conv2dConfig, Epilogue, Padding, Pool2dConfig};
use runner::optim::Optimizer;
use runner::rng::{Purpose, Stream};
use runner::spec::{self, OptimizerName};

const BATCH: usize = 32;

/// VGG-16's convolutions at 32×32 that differ: side of the image, channels in, channels out.
const CONVOLUTIONS: [(usize, usize, usize); 9] = [
    (32, 3, 64),
    (32, 64, 64),
    (16, 64, 128),
    (16, 128, 128),
    (8, 128, 256),
    (8, 256, 256),
    (4, 256, 512),
    (4, 512, 512),
    (2, 512, 512),
];

/// Convolutions of networks at 224×224, with a normalization and ReLU behind them: images, side of the image, channels in and
/// out, side of the kernel, stride; depthwise where a channel in gives one out and the kernel is no single pixel.
const AT_224: [(usize, usize, usize, usize, usize, usize); 10] = [
    (4, 224, 3, 64, 7, 2),
    (3, 112, 16, 96, 1, 1),
    (8, 56, 144, 24, 1, 1),
    (8, 28, 192, 32, 1, 1),
    (16, 14, 1024, 256, 1, 1),
    (16, 7, 960, 160, 1, 1),
    (3, 112, 96, 96, 3, 2),
    (8, 56, 144, 144, 3, 1),
    (16, 14, 672, 672, 5, 1),
    (16, 56, 96, 96, 7, 1),
];

/// Its poolings: side of the image, channels.
const POOLINGS: [(usize, usize); 5] = [(32, 64), (16, 128), (8, 256), (4, 512), (2, 512)];

/// The lesson's head and VGG-16's own `fc2`: inputs, outputs.
const DENSE: [(usize, usize); 3] = [(512, 256), (256, 10), (4096, 4096)];

/// Seeded values in [-1, 1).
fn random(dims: &[usize]) -> Tensor {
    let mut stream = Stream::new(0, Purpose::Init, 0, dims.len() as u64);
    let count = dims.iter().product();
    let values: Vec<f32> = (0..count).map(|_| 2.0 * stream.uniform() - 1.0).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("as many values as the shape has")
}

fn variable(dims: &[usize]) -> Var {
    Var::from_tensor(&random(dims)).expect("memory for a variable")
}

/// Times `work` and says how much it does at once.
fn time<T>(
    c: &mut Criterion,
    group: &str,
    name: &str,
    amount: Throughput,
    mut work: impl FnMut() -> Result<T>,
) {
    let mut group = c.benchmark_group(group);
    group.throughput(amount);
    group.bench_function(name, |b| {
        b.iter(|| black_box(work().expect("shapes that fit")));
    });
}

/// Times the gradients of what `forward` gives, which is done anew for each, untimed.
fn time_backward(
    c: &mut Criterion,
    group: &str,
    name: &str,
    amount: Throughput,
    forward: impl Fn() -> Result<Tensor>,
) {
    let mut group = c.benchmark_group(group);
    group.throughput(amount);
    let recorded = || {
        let recording = ops::Recording::start();
        let y = forward().expect("shapes that fit");
        let dy = y.ones_like().expect("memory for a gradient");
        (recording, y, dy)
    };
    group.bench_function(name, |b| {
        b.iter_batched(
            recorded,
            |(_recording, y, dy)| black_box(ops::backward_from(&y, dy).expect("a recording")),
            BatchSize::PerIteration,
        );
    });
}

/// The largest part of the machine's arithmetic that a product of matrices reaches, on the same threads.
fn peak(c: &mut Criterion) {
    const SIDE: usize = 1536;
    let (a, b) = (vec![1f32; SIDE * SIDE], vec![1f32; SIDE * SIDE]);
    let mut product = vec![0f32; SIDE * SIDE];
    let flops = Throughput::Elements(2 * (SIDE * SIDE * SIDE) as u64);
    let threads = Parallelism::Rayon(rayon::current_num_threads());
    let side = SIDE as isize;
    time(c, "peak", "gemm", flops, || {
        // SAFETY: each pointer is to SIDE × SIDE values, walked row after row.
        unsafe {
            gemm::gemm(
                SIDE,
                SIDE,
                SIDE,
                product.as_mut_ptr(),
                1,
                side,
                false,
                a.as_ptr(),
                1,
                side,
                b.as_ptr(),
                1,
                side,
                0f32,
                1f32,
                false,
                false,
                false,
                threads,
            );
        }
        Ok(product[0])
    });
}

fn convolutions(c: &mut Criterion) {
    let config = Conv2dConfig {
        padding: Padding::Each(1),
        relu: true,
        ..Conv2dConfig::default()
    };
    for (side, cin, cout) in CONVOLUTIONS {
        let name = format!("{side}x{side}x{cin}-{cout}");
        let flops = Throughput::Elements((2 * BATCH * side * side * 9 * cin * cout) as u64);
        let (x, kernel) = (
            variable(&[BATCH, side, side, cin]),
            variable(&[3, 3, cin, cout]),
        );
        let bias = random(&[cout]);
        let conv2d = |x: &Tensor, kernel: &Tensor| ops::conv2d(x, kernel, Some(&bias), &config);
        let (fixed_x, fixed_kernel) = (x.as_detached_tensor(), kernel.as_detached_tensor());
        time(c, "convolution forward", &name, flops.clone(), || {
            conv2d(&fixed_x, &fixed_kernel)
        });
        let output = || conv2d(&x, &fixed_kernel);
        time_backward(
            c,
            "convolution input gradient",
            &name,
            flops.clone(),
            output,
        );
        let output = || conv2d(&fixed_x, &kernel);
        time_backward(c, "convolution kernel gradient", &name, flops, output);
    }
}

fn convolutions_at_224(c: &mut Criterion) {
    for (images, side, cin, cout, size, stride) in AT_224 {
        let is_depthwise = cin == cout && size > 1;
        let depth = if is_depthwise { 1 } else { cin };
        let x = random(&[images, side, side, cin]);
        let kernel = random(&[size, size, depth, cout]);
        let config = Conv2dConfig {
            stride,
            padding: Padding::Each(size / 2),
            ..Conv2dConfig::default()
        };
        let epilogue = Epilogue {
            scale: Some(random(&[cout])),
            shift: Some(random(&[cout])),
            function: Some(ops::Function::Relu),
            ..Epilogue::default()
        };
        let places = images * side.div_ceil(stride).pow(2);
        let flops = (2 * places * size * size * depth * cout) as u64;
        let kind = if is_depthwise {
            "depthwise"
        } else {
            "convolution"
        };
        let name = format!("{kind} {size}x{size}, {images} of {side}x{side}x{cin}-{cout}");
        let flops = Throughput::Elements(flops);
        time(c, "at 224", &name, flops.clone(), || {
            ops::conv2d_finished(&x, &kernel, &config, &epilogue)
        });
        if is_depthwise {
            let of = |tensor: &Tensor| Var::from_tensor(tensor).expect("memory for a variable");
            let (some_x, some_kernel) = (of(&x), of(&kernel));
            let output = || ops::conv2d(&some_x, &kernel, None, &config);
            time_backward(c, "at 224, input gradient", &name, flops.clone(), output);
            let output = || ops::conv2d(&x, &some_kernel, None, &config);
            time_backward(c, "at 224, kernel gradient", &name, flops, output);
        }
    }
}

fn dense(c: &mut Criterion) {
    for (inputs, outputs) in DENSE {
        let name = format!("{inputs}-{outputs}");
        let flops = (2 * BATCH * inputs * outputs) as u64;
        let (x, weight) = (variable(&[BATCH, inputs]), variable(&[inputs, outputs]));
        let bias = random(&[outputs]);
        let (fixed_x, fixed_weight) = (x.as_detached_tensor(), weight.as_detached_tensor());
        let amount = Throughput::Elements(flops);
        time(c, "dense forward", &name, amount, || {
            ops::dense(
                &fixed_x,
                &fixed_weight,
                Some(&bias),
                false,
                ops::Products::F32,
            )
        });
        let output = || ops::dense(&x, &weight, Some(&bias), false, ops::Products::F32);
        let amount = Throughput::Elements(2 * flops);
        time_backward(c, "dense gradients", &name, amount, output);
    }
}

fn poolings(c: &mut Criterion) {
    let config = Pool2dConfig {
        kernel: 2,
        stride: 2,
        padding: 0,
        ceil_mode: false,
    };
    for (side, channels) in POOLINGS {
        let name = format!("{side}x{side}x{channels}");
        let x = variable(&[BATCH, side, side, channels]);
        let values = x.elem_count() as u64;
        let fixed = x.as_detached_tensor();
        let (forward, backward) = (values * 5, values * 10);
        time(
            c,
            "max pooling forward",
            &name,
            Throughput::Bytes(forward),
            || ops::max_pool2d(&fixed, &config),
        );
        let output = || ops::max_pool2d(&x, &config);
        let amount = Throughput::Bytes(backward);
        time_backward(c, "max pooling gradient", &name, amount, output);
    }
}

fn batch_norms(c: &mut Criterion) {
    for dims in [vec![BATCH, 256], vec![BATCH, 16, 16, 128]] {
        let name = dims
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join("x");
        let x = variable(&dims);
        let channels = [*dims.last().unwrap_or(&1)];
        let (gamma, beta) = (variable(&channels), variable(&channels));
        let (mean, variance) = (random(&channels), random(&channels).abs().expect("values"));
        let bytes = |passes: usize| Throughput::Bytes((4 * passes * x.elem_count()) as u64);
        let fixed = x.as_detached_tensor();
        time(c, "batch norm training", &name, bytes(2), || {
            Ok(ops::batch_norm(&fixed, &gamma, &beta, 1e-3)?.y)
        });
        time(c, "batch norm inference", &name, bytes(2), || {
            ops::batch_norm_inference(&fixed, &gamma, &beta, &mean, &variance, 1e-3)
        });
        let output = || ops::batch_norm(&x, &gamma, &beta, 1e-3).map(|normalized| normalized.y);
        time_backward(c, "batch norm gradients", &name, bytes(3), output);
    }
}

fn losses(c: &mut Criterion) {
    for classes in [10, 1000] {
        let logits = variable(&[BATCH, classes]);
        let targets = random(&[BATCH, classes]);
        let name = format!("{classes} classes");
        let bytes = Throughput::Bytes((4 * 2 * BATCH * classes) as u64);
        let fixed = logits.as_detached_tensor();
        time(c, "softmax cross-entropy", &name, bytes.clone(), || {
            ops::softmax_cross_entropy(&fixed, &targets)
        });
        let output = || ops::softmax_cross_entropy(&logits, &targets);
        time_backward(c, "softmax cross-entropy gradient", &name, bytes, output);
    }
}

/// One step of VGG-16's largest kernel.
fn optimizers(c: &mut Criterion) {
    let weight = variable(&[3, 3, 512, 512]);
    let gradients = (weight.as_tensor() * 0.01)
        .and_then(|scaled| scaled.sum_all())
        .and_then(|loss| loss.backward())
        .expect("a gradient");
    let amount = Throughput::Elements(weight.elem_count() as u64);
    for name in OptimizerName::all() {
        let of_spec = spec::Optimizer {
            name,
            ..spec::Optimizer::default()
        };
        let parameters = [("weight".to_owned(), weight.clone())];
        let mut optimizer = Optimizer::new(of_spec.rule(), of_spec.weight_decay(), &parameters)
            .expect("an f32 variable");
        time(c, "optimizer", &name.to_string(), amount.clone(), || {
            optimizer.step(&gradients, 1e-6).expect("a gradient");
            Ok(())
        });
    }
}

fn settings() -> Criterion {
    // As the program does; otherwise the system's pages would be measured.
    ops::keep_freed_memory();
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = settings();
    targets = peak, convolutions, convolutions_at_224, dense, poolings, batch_norms, losses, optimizers
}
criterion_main!(benches);
