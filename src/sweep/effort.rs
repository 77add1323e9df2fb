//! What runs will take, in multiply-accumulates, to tell how far a sweep is and how long it takes.

use std::collections::HashMap;

use crate::data::Counts;
use crate::features;
use crate::run::{PlannedRun, PlannedStage};

/// Work per image beside the network's own, as many multiply-accumulates as take its time: gathering, normalizing,
/// scores.
const PER_IMAGE: f64 = 2e6;
/// For how many images a run is counted whose images are not known before they are read; the same for all.
const UNKNOWN_IMAGES: usize = 1000;

/// The multiply-accumulates of each run, by its id. The frozen part's, where it is computed once, is shared by the runs
/// that use what it gives.
pub fn efforts(runs: &[&PlannedRun]) -> Vec<(String, f64)> {
    let parts: Vec<Parts> = runs.iter().map(|planned| Parts::of(planned)).collect();
    let mut sharing: HashMap<&str, usize> = HashMap::new();
    for parts in &parts {
        *sharing.entry(&parts.frozen).or_default() += 1;
    }
    let effort = |(planned, parts): (&&PlannedRun, &Parts)| {
        let share = sharing
            .get(parts.frozen.as_str())
            .copied()
            .unwrap_or(1)
            .max(1);
        (
            planned.run.id.clone(),
            parts.own + parts.once / share as f64,
        )
    };
    runs.iter().zip(&parts).map(effort).collect()
}

/// The work of one run.
#[derive(Default)]
pub(super) struct Parts {
    pub own: f64,
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
            own: all.own + next.own,
            once: all.once + next.once,
            frozen: all.frozen + &next.frozen,
        });
        let epochs = planned.run.spec.epochs().max(1);
        let part = planned.until.unwrap_or(epochs) as f64 / epochs as f64;
        Parts {
            own: all.own * part.min(1.0),
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
        let graph = &blueprint.graph;
        let constant = blueprint.cut.constant();
        let nodes = constant.iter().filter_map(|i| graph.nodes().get(*i));
        let work: f64 = nodes.map(|node| graph.multiplications(node) as f64).sum();
        let is_kept = features::may_be_kept(spec, blueprint);
        let saved = if is_kept { work } else { 0.0 };
        let step = cost.training as f64 - saved + PER_IMAGE;
        let look = cost.forward as f64 - saved + PER_IMAGE;
        let views = spec.augmentation.fixed_views().unwrap_or(1) as f64;
        Parts {
            own: spec.training.epochs as f64 * (training * step + others * look) + tested * look,
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
