//! How fast this machine is with a network, measured in a moment.

use std::time::{Duration, Instant};

use candle_core::{DType, Tensor};

use super::plan::PlannedRun;
use crate::graph::Mode;
use crate::model::{Blueprint, Network, Weights};

/// Measured for so long, once the network has been used once.
const LONG_ENOUGH: Duration = Duration::from_millis(150);
/// Multiply-accumulates of a pass, where an image has fewer.
const PASS: u64 = 1_000_000_000;
const MOST_IMAGES: u64 = 32;
/// Networks that take longer or more memory to make than a moment are not measured: multiply-accumulates of an image,
/// parameters.
const MOST_WORK: u64 = 20_000_000_000;
const MOST_PARAMETERS: usize = 60_000_000;

/// Multiply-accumulates per second of a run's network with random weights, in forward passes; none where that cannot be
/// told in a moment.
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
    let (begun, mut passes) = (Instant::now(), 0u32);
    while begun.elapsed() < LONG_ENOUGH {
        pass()?;
        passes += 1;
    }
    let done = work as f64 * images as f64 * f64::from(passes);
    Some(done / begun.elapsed().as_secs_f64())
}
