//! How many images of 224×224 a second whole networks carry forward, and through a step of training, on this machine.
//!
//!     cargo bench --bench networks -- forward resnet50 vit_small_patch16_224 --turns 5 --batch 16
//!     cargo bench --bench networks -- forward resnet50 --bf16
//!
//! The networks have their own classifiers and random weights: time does not depend on them. A line a turn and a network:
//! `forward resnet50 17.3`. `benches/compare` sets them beside other programs.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor};
use runner::graph::Mode;
use runner::model::{Blueprint, Network, Weights};
use runner::ops;
use runner::optim::Optimizer;
use runner::spec::{self, Precision, Spec};
use runner::zoo::IMAGENET_CLASSES;

/// The networks of the README's table.
const NETWORKS: [&str; 8] = [
    "vgg16",
    "resnet18",
    "squeezenet1_1",
    "resnet50",
    "convnext_tiny",
    "vit_small_patch16_224",
    "mobilenetv2_100",
    "efficientnet_b0",
];
const SIDE: usize = 224;

/// What is asked for.
struct Job {
    step: bool,
    networks: Vec<String>,
    turns: usize,
    batch: usize,
    precision: Precision,
}

impl Job {
    fn from_args() -> Self {
        let mut job = Job {
            step: false,
            networks: Vec::new(),
            turns: 5,
            batch: 16,
            precision: Precision::F32,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|n| n.parse().ok()).expect("a number");
            match arg.as_str() {
                "--turns" => job.turns = number(),
                "--batch" => job.batch = number(),
                "--bf16" => job.precision = Precision::Bf16,
                // Cargo's own.
                "--bench" => {}
                "forward" => job.step = false,
                "step" => job.step = true,
                _ => job.networks.push(arg),
            }
        }
        if job.networks.is_empty() {
            job.networks = NETWORKS.map(str::to_owned).to_vec();
        }
        job
    }
}

fn network(arch: &str, precision: Precision) -> Result<Network> {
    let text = format!(
        "name = 'speed'\n[dataset]\nname = 'cifar10'\n[backbone]\narch = '{arch}'\nweights = 'random'\n\
         include_top = true\ninput_size = {SIDE}\n[freeze]\nthrough = 'none'\n"
    );
    let spec: Spec = toml::from_str(&text).expect("a spec");
    let blueprint = Blueprint::new(&spec, IMAGENET_CLASSES).expect("a network");
    let network = Network::new(blueprint, &Weights::new(), 0, &Device::Cpu)?;
    Ok(network.computing_in(precision))
}

fn images(batch: usize) -> Result<Tensor> {
    let count = batch * SIDE * SIDE * 3;
    let values = (0..count).map(|i| (i * 7919 % 255) as f32 / 127.5 - 1.0);
    Tensor::from_vec(
        values.collect::<Vec<f32>>(),
        (batch, SIDE, SIDE, 3),
        &Device::Cpu,
    )
}

/// A step of training: loss, gradients, Adam.
fn step(network: &Network, optimizer: &mut Optimizer, images: &Tensor, number: u64) -> Result<()> {
    let one_hot = Tensor::eye(IMAGENET_CLASSES, DType::F32, &Device::Cpu)?;
    let targets = one_hot.narrow(0, 0, images.dim(0)?)?.contiguous()?;
    let mode = Mode::Train {
        seed: 0,
        step: number,
    };
    let _recording = ops::Recording::start();
    let logits = network.forward(images, mode)?;
    let loss = ops::weighted_mean(&ops::softmax_cross_entropy(&logits, &targets)?, None)?;
    let gradients = ops::backward(&loss)?;
    optimizer
        .step(&gradients, 1e-4)
        .map_err(candle_core::Error::wrap)
}

fn main() -> Result<()> {
    ops::keep_freed_memory();
    // As runs are, on a thread of the pool.
    rayon::scope(|_| measure())
}

fn measure() -> Result<()> {
    let job = Job::from_args();
    let images = images(job.batch)?;
    let what = if job.step { "step" } else { "forward" };
    for arch in &job.networks {
        let network = network(arch, job.precision)?;
        let of_spec = spec::Optimizer::default();
        let mut optimizer =
            Optimizer::new(of_spec.rule(), of_spec.weight_decay(), &network.trained())
                .map_err(candle_core::Error::wrap)?;
        let mut run = |turn: usize| match job.step {
            false => network.forward(&images, Mode::Evaluate).map(drop),
            true => step(&network, &mut optimizer, &images, turn as u64),
        };
        run(0)?;
        for turn in 0..job.turns {
            let start = Instant::now();
            run(turn + 1)?;
            let rate = job.batch as f64 / start.elapsed().as_secs_f64();
            println!("{what} {arch} {rate:.2}");
        }
    }
    Ok(())
}
