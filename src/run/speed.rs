//! How fast this machine is with a network, measured in a moment.

mod waited;

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::{DType, Tensor};

use super::planned::PlannedRun;
use crate::graph::{Mode, Shape};
use crate::model::{Blueprint, Network, Weights};
use crate::ops;
use crate::optim::Optimizer;
use waited::Waited;

/// Measured for so long, and so many times at least, once what is measured was done once.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
const LEAST_TIMES: usize = 3;
/// Multiply-accumulates of what is measured, where an image has fewer: what a network does once for all images of a batch,
/// as to lay out its kernels, is to count for as little as it does in a run.
const AT_ONCE: u64 = 10_000_000_000;
const MOST_IMAGES: u64 = 32;
const MOST_IN_STEP: u64 = 256;
/// Networks that take longer or more memory to make than a moment are not measured: multiply-accumulates of an image,
/// parameters; in a step, those that are trained.
const MOST_WORK: u64 = 20_000_000_000;
const MOST_PARAMETERS: usize = 60_000_000;
const MOST_TRAINED: usize = 30_000_000;

/// Multiply-accumulates per second on a machine that does nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// In forward passes.
    pub passes: f64,
    /// In steps of training: loss, gradients and the optimizer's rule. Not where a step takes longer than a moment, and not
    /// on a GPU.
    pub steps: Option<f64>,
}

/// How fast the first of these runs' networks is with random weights, and the one whose steps take the most is in training.
/// None where that cannot be told in a moment, or how many images a run has is not known.
pub fn speed(runs: &[&PlannedRun]) -> Option<Speed> {
    if runs.iter().any(|run| run.images.is_none()) {
        return None;
    }
    let first = runs.first()?;
    let dearest = runs.iter().max_by_key(|run| work_of_step(&run.blueprint))?;
    let work = first.blueprint.cost(0).forward;
    if work == 0 || work > MOST_WORK {
        return None;
    }
    let made = network(first)?;
    let is_its = Arc::ptr_eq(&first.blueprint, &dearest.blueprint)
        && first.run.spec.training.precision == dearest.run.spec.training.precision;
    Some(Speed {
        passes: of_passes(first, &made, work)?,
        steps: of_steps(dearest, is_its.then_some(made)),
    })
}

/// Multiply-accumulates of an image in a step, behind the constant part.
fn work_of_step(blueprint: &Blueprint) -> u64 {
    let constant = blueprint.work_of_constant_part();
    blueprint.cost(0).training.saturating_sub(constant)
}

fn of_passes(planned: &PlannedRun, network: &Network, work: u64) -> Option<f64> {
    let images = (AT_ONCE / work).clamp(1, MOST_IMAGES) as usize;
    let graph = &planned.blueprint.graph;
    let input = zeros(planned, images, &graph.nodes().first()?.output)?;
    let seconds = measured(|| {
        network.forward(&input, Mode::Evaluate).ok()?;
        network.device().synchronize().ok()
    })?;
    Some(work as f64 * images as f64 / seconds)
}

/// With the run's network, where it is there already.
fn of_steps(planned: &PlannedRun, made: Option<Network>) -> Option<f64> {
    let PlannedRun { run, blueprint, .. } = planned;
    let work = work_of_step(blueprint);
    let is_small = work <= MOST_WORK && blueprint.trainable_count() <= MOST_TRAINED;
    if work == 0 || !is_small || !planned.device.device.is_cpu() {
        return None;
    }
    let network = match made {
        Some(made) => made,
        None => network(planned)?,
    };
    let all = planned.images?.train.max(1);
    let batch = run.spec.training.batch_size.min(all);
    let most = MOST_IN_STEP.min(batch as u64);
    let images = (AT_ONCE / work).clamp(1, most) as usize;
    let values: Vec<Tensor> = blueprint
        .cut
        .frontier()
        .iter()
        .map(|node| zeros(planned, images, &blueprint.graph.nodes().get(*node)?.output))
        .collect::<Option<_>>()?;
    let classes = planned.classes.len().max(1);
    let targets = (0..images * classes).map(|i| f32::from(i / classes % classes == i % classes));
    let targets = Tensor::from_iter(targets, network.device()).ok()?;
    let targets = targets.reshape((images, classes)).ok()?;
    let optimizer = &run.spec.optimizer;
    let (rule, decay) = (optimizer.rule(), optimizer.weight_decay());
    let mut optimizer = Optimizer::new(rule, decay, &network.trained()).ok()?;
    let gradients = || {
        let _recording = ops::Recording::start();
        let logits = network
            .forward_rest(&values, Mode::Train { seed: 0, step: 0 })
            .ok()?;
        let losses = ops::softmax_cross_entropy(&logits, &targets).ok()?;
        ops::backward(&ops::weighted_mean(&losses, None).ok()?).ok()
    };
    // On threads of the pool, as in training.
    rayon::scope(|_| {
        let of_gradients = measured(|| gradients().map(drop))?;
        let gradients = gradients()?;
        // Once for all images of a batch, of which there may be fewer here.
        let of_rule = measured(|| optimizer.step(&gradients, 0.0).ok())?;
        let seconds = of_gradients * batch as f64 / images as f64 + of_rule;
        Some(work as f64 * batch as f64 / seconds)
    })
}

/// A run's network with random weights, unless it is too large to be made in a moment.
fn network(planned: &PlannedRun) -> Option<Network> {
    let PlannedRun { run, blueprint, .. } = planned;
    if blueprint.parameter_count() > MOST_PARAMETERS {
        return None;
    }
    let device = &planned.device.device;
    let blueprint = Blueprint::clone(blueprint);
    let network = Network::new(blueprint, &Weights::new(), run.spec.seed, device).ok()?;
    Some(network.computing_in(run.spec.training.precision))
}

/// What a node gives for some images, if it gave zeros.
fn zeros(planned: &PlannedRun, images: usize, each: &Shape) -> Option<Tensor> {
    let shape = [vec![images], each.dims()].concat();
    Tensor::zeros(shape, DType::F32, &planned.device.device).ok()
}

/// Seconds that work takes on a machine that does nothing else: the least of a few times, or less by what its threads
/// waited for a processor. None where it fails.
fn measured(mut work: impl FnMut() -> Option<()>) -> Option<f64> {
    work()?;
    let (at_first, begun, mut times) = (Waited::now(), Instant::now(), Vec::new());
    while times.len() < LEAST_TIMES || begun.elapsed() < LONG_ENOUGH {
        let before = Instant::now();
        work()?;
        times.push(before.elapsed());
    }
    let mean = begun.elapsed().as_secs_f64() / times.len() as f64;
    let alone = mean * at_first.share_since(Waited::now());
    let least = times.into_iter().min()?.as_secs_f64();
    Some(least.min(alone).max(f64::EPSILON))
}
