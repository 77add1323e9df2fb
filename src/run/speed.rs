//! How fast this machine is with a network, measured in a moment.

use std::time::{Duration, Instant};

use candle_core::{DType, Tensor};

use super::planned::PlannedRun;
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

/// Multiply-accumulates per second of a run's network with random weights, in forward passes on a machine that does nothing
/// else: the fastest of a few, or shorter by what its threads waited for a processor. None where that cannot be told in a
/// moment.
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
    let input = Tensor::zeros((images, size.height, size.width, 3), DType::F32, device).ok()?;
    let pass = || {
        network.forward(&input, Mode::Evaluate).ok()?;
        device.synchronize().ok()
    };
    pass()?;
    let (at_first, begun, mut passes) = (Waited::now(), Instant::now(), Vec::new());
    while passes.len() < LEAST_PASSES || begun.elapsed() < LONG_ENOUGH {
        let before = Instant::now();
        pass()?;
        passes.push(before.elapsed());
    }
    let mean = begun.elapsed().as_secs_f64() / passes.len() as f64;
    let alone = mean * at_first.share_since(Waited::now());
    let fastest = passes.into_iter().min()?.as_secs_f64();
    Some(work as f64 * images as f64 / fastest.min(alone).max(f64::EPSILON))
}

/// How long the program's threads had a processor, and how long they waited for one, in nanoseconds; Linux says it
/// (`Documentation/scheduler/sched-stats.rst`), elsewhere both are 0.
#[derive(Clone, Copy, Default)]
struct Waited {
    had: u64,
    waited: u64,
}

impl Waited {
    fn now() -> Self {
        let threads = std::fs::read_dir("/proc/self/task");
        let threads = threads.into_iter().flatten().flatten();
        let mut all = Waited::default();
        for thread in threads {
            let text = std::fs::read_to_string(thread.path().join("schedstat"));
            let text = text.unwrap_or_default();
            let mut numbers = text.split_whitespace().map(|n| n.parse().unwrap_or(0));
            all.had += numbers.next().unwrap_or(0);
            all.waited += numbers.next().unwrap_or(0);
        }
        all
    }

    /// The share of the time until `after` in which threads that could run did.
    fn share_since(self, after: Waited) -> f64 {
        let had = after.had.saturating_sub(self.had) as f64;
        let waited = after.waited.saturating_sub(self.waited) as f64;
        match had > 0.0 {
            true => had / (had + waited),
            false => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spent_waiting_for_a_processor_does_not_count() {
        let at = |had, waited| Waited { had, waited };
        assert_eq!(at(5, 7).share_since(at(8, 8)), 0.75);
        assert_eq!(at(5, 7).share_since(at(5, 7)), 1.0);
        assert_eq!(Waited::default().share_since(Waited::default()), 1.0);
    }
}
