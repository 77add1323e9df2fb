//! How fast this machine is with a network, measured in a moment.

use std::time::{Duration, Instant};

use candle_core::{DType, Tensor};

use super::plan::PlannedRun;
use crate::graph::Mode;
use crate::model::{Blueprint, Network, Weights};

/// Measured for so long, and so many passes at least, once the network has been used once.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
const LEAST_PASSES: usize = 3;
/// Multiply-accumulates of a pass, where an image has fewer.
const PASS: u64 = 500_000_000;
const MOST_IMAGES: u64 = 32;
/// Networks that take longer or more memory to make than a moment are not measured: multiply-accumulates of an image,
/// parameters.
const MOST_WORK: u64 = 20_000_000_000;
const MOST_PARAMETERS: usize = 60_000_000;

/// Multiply-accumulates per second of a run's network with random weights, in the fastest of a few forward passes: others
/// are longer for what else the machine does. None where that cannot be told in a moment.
pub fn speed(planned: &PlannedRun) -> Option<f64> {
    let PlannedRun { run, blueprint, .. } = planned;
    let work = blueprint.cost(0).forward;
    if work == 0 || work > MOST_WORK || blueprint.parameter_count() > MOST_PARAMETERS {
        return None;
    }
    let images = (PASS / work).clamp(1, MOST_IMAGES) as usize;
    let device = &planned.device.device;
    let network = Network::new(
        Blueprint::clone(blueprint),
        &Weights::new(),
        run.spec.seed,
        device,
    )
    .ok()?;
    let size = run.spec.backbone.input_size;
    let input = Tensor::zeros((images, size, size, 3), DType::F32, device).ok()?;
    let pass = || {
        network.forward(&input, Mode::Evaluate).ok()?;
        device.synchronize().ok()
    };
    pass()?;
    let (begun, mut passes) = (Instant::now(), Vec::new());
    while passes.len() < LEAST_PASSES || begun.elapsed() < LONG_ENOUGH {
        let before = Instant::now();
        pass()?;
        passes.push(before.elapsed());
    }
    let fastest = passes.into_iter().min()?.as_secs_f64().max(f64::EPSILON);
    Some(work as f64 * images as f64 / fastest)
}
