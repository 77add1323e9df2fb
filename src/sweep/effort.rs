//! What runs will take, in multiply-accumulates and in time, to tell how far a sweep is and how long it takes.

use std::collections::HashMap;

use crate::data::Counts;
use crate::features;
use crate::run::{PlannedRun, PlannedStage, Speed};

/// Work per image beside the network's own, as many multiply-accumulates as take its time: gathering, normalizing,
/// scores.
const PER_IMAGE: f64 = 2e6;
/// For how many images a run is counted whose images are not known before they are read; the same for all.
const UNKNOWN_IMAGES: usize = 1000;

/// The multiply-accumulates of each run, by its id. The frozen part's, where it is computed once, is shared by the runs
/// that use what it gives.
pub fn efforts(runs: &[&PlannedRun]) -> Vec<(String, f64)> {
    let work = works(runs);
    let effort = |(planned, work): (&&PlannedRun, Work)| (planned.run.id.clone(), work.all());
    runs.iter().zip(work).map(effort).collect()
}

/// Seconds that runs take one after another on a machine that does nothing else.
pub fn seconds(runs: &[&PlannedRun], speed: Speed) -> f64 {
    let of_run = |work: &Work| {
        let steps = speed.steps.unwrap_or(speed.passes);
        work.passes / speed.passes + work.steps / steps
    };
    works(runs).iter().map(of_run).sum()
}

/// Of each run, with its share of what is computed once for several.
fn works(runs: &[&PlannedRun]) -> Vec<Work> {
    let parts: Vec<Parts> = runs.iter().map(|planned| Parts::of(planned)).collect();
    let mut sharing: HashMap<&str, usize> = HashMap::new();
    for parts in &parts {
        *sharing.entry(&parts.frozen).or_default() += 1;
    }
    let work = |parts: &Parts| {
        let share = sharing.get(parts.frozen.as_str()).copied().unwrap_or(1);
        Work {
            passes: parts.own.passes + parts.once / share.max(1) as f64,
            ..parts.own
        }
    };
    parts.iter().map(work).collect()
}

/// Multiply-accumulates, by where they are done.
#[derive(Clone, Copy, Default)]
pub(super) struct Work {
    /// In forward passes, and what images take beside them.
    passes: f64,
    /// In steps of training, behind the constant part.
    steps: f64,
}

impl Work {
    pub fn all(&self) -> f64 {
        self.passes + self.steps
    }

    fn and(self, other: Work) -> Work {
        Work {
            passes: self.passes + other.passes,
            steps: self.steps + other.steps,
        }
    }

    fn times(self, factor: f64) -> Work {
        Work {
            passes: self.passes * factor,
            steps: self.steps * factor,
        }
    }
}

/// The work of one run.
#[derive(Default)]
pub(super) struct Parts {
    pub own: Work,
    /// What is computed once for all runs of the same frozen part.
    pub once: f64,
    /// What tells frozen parts apart.
    pub frozen: String,
}

impl Parts {
    /// Of all stages of a run, as far as it is done before it is held.
    pub fn of(planned: &PlannedRun) -> Self {
        let mut parts = planned
            .stages
            .iter()
            .map(|stage| Parts::of_stage(planned, stage));
        let first = parts.next().unwrap_or_default();
        let all = parts.fold(first, |all, next| Parts {
            own: all.own.and(next.own),
            once: all.once + next.once,
            frozen: all.frozen + &next.frozen,
        });
        let epochs = planned.run.spec.epochs().max(1);
        let part = planned.until.unwrap_or(epochs) as f64 / epochs as f64;
        Parts {
            own: all.own.times(part.min(1.0)),
            ..all
        }
    }

    fn of_stage(planned: &PlannedRun, stage: &PlannedStage) -> Self {
        let (spec, blueprint) = (&stage.spec, &stage.blueprint);
        let images = planned.images.unwrap_or(Counts {
            train: UNKNOWN_IMAGES,
            validation: UNKNOWN_IMAGES,
            test: UNKNOWN_IMAGES,
            ..Counts::default()
        });
        let (training, others) = (images.train as f64, images.validation as f64);
        let tested = images.test as f64;
        let cost = blueprint.cost(spec.optimizer.rule().slots().len());
        let work = blueprint.work_of_constant_part() as f64;
        let is_kept = features::may_be_kept(spec, blueprint);
        let saved = if is_kept { work } else { 0.0 };
        let again = work - saved + PER_IMAGE;
        let look = cost.forward as f64 - saved + PER_IMAGE;
        let views = spec.augmentation.fixed_views().unwrap_or(1) as f64;
        let epochs = spec.training.epochs as f64;
        Parts {
            own: Work {
                passes: epochs * (training * again + others * look) + tested * look,
                steps: epochs * training * (cost.training as f64 - work),
            },
            once: saved * (training * views + others + tested),
            frozen: format!(
                "{:?} {:?} {:?} {:?} {:?}",
                spec.backbone,
                spec.dataset,
                blueprint.cut.frontier(),
                spec.normalization,
                spec.augmentation
            ),
        }
    }
}
