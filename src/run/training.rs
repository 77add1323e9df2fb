//! The training of a run, stage after stage.

use std::collections::BTreeMap;

use candle_core::Device;
use rayon::ThreadPool;

use super::error::Error;
use super::event::{Event, Tell};
use super::executor::Executor;
use super::memory;
use super::networks::Made;
use super::planned::{PlannedRun, PlannedStage};
use super::start::Start;
use crate::data::{Batches, Data, Normalizer, Resizing};
use crate::features::{OfRun, Split};
use crate::model::{Blueprint, Network, Weights};
use crate::optim::Adjust;
use crate::spec::Spec;
use crate::train::{self, Earlier, Fit, Inputs, Keeper, Outcome, class_weights, resumed};

/// What a run is trained with.
pub(super) struct Job<'a> {
    pub planned: &'a PlannedRun,
    pub data: &'a Data,
    pub images: (Resizing, &'a Normalizer),
    /// The threads to train with; all where there are none.
    pub threads: Option<&'a ThreadPool>,
}

/// What training leaves.
pub(super) struct Trained<'a> {
    pub made: Made,
    pub outcome: Outcome,
    /// The last stage.
    pub stage: &'a PlannedStage,
}

impl Executor<'_> {
    /// Trains from the start through all stages, or from the one that the newest checkpoint is of. A stage begins with what
    /// the one before left, a new optimizer and its own learning rates. A network that another run has left is taken over.
    ///
    /// # Errors
    /// Whatever stops a stage.
    pub(super) fn train<'a>(
        &self,
        job: &Job<'a>,
        (start, left): (Start, Option<Made>),
        keeper: &mut Keeper,
        tell: Tell<'_>,
    ) -> Result<Trained<'a>, Error> {
        let stages = &job.planned.stages;
        // A checkpoint is large, and of a single stage nothing is earlier.
        let mut earlier = match stages.len() {
            1 => Earlier::default(),
            _ => resumed(keeper)?,
        };
        let is_drawn = |stage: &PlannedStage| stage.spec.optimizer.l2_sp.is_some();
        let pretrained = stages.iter().any(is_drawn);
        let Start {
            mut weights,
            mut download,
        } = start;
        let pretrained = pretrained.then(|| weights.clone());
        let mut left = left;
        weights.extend(
            earlier
                .learned
                .iter()
                .map(|(name, t)| (name.clone(), t.clone())),
        );
        loop {
            // Before anything is computed for the stage.
            keeper
                .check_epochs(earlier.epochs.len())
                .map_err(train::Error::from)?;
            // A checkpoint of a spec with fewer stages is of another run.
            let at = earlier.stages.min(stages.len().saturating_sub(1));
            let stage = &stages[at];
            let made = match left.take() {
                Some(made) => made.again(stage, &weights)?,
                None => {
                    let network = self.network(job, stage, &weights)?;
                    let made = Made::new(network, Some((job.planned, &weights)));
                    made.downloaded(download.take())
                }
            };
            drop(std::mem::take(&mut weights));
            let fit = self.fit(job, stage, (&made, &earlier), pretrained.as_ref())?;
            memory::give_back_freed();
            let outcome = on(job.threads, || {
                fit.run(&mut |event| tell(Event::Training(event)), keeper)
            })?;
            drop(fit);
            if at + 1 == stages.len() {
                return Ok(Trained {
                    made,
                    outcome,
                    stage,
                });
            }
            weights = made.network.weights()?;
            earlier = outcome.left;
        }
    }

    pub(super) fn network(
        &self,
        job: &Job<'_>,
        stage: &PlannedStage,
        weights: &Weights,
    ) -> Result<Network, Error> {
        let (spec, device) = (&stage.spec, &job.planned.device.device);
        let blueprint = Blueprint::clone(&stage.blueprint);
        let network = Network::new(blueprint, weights, spec.seed, device)?;
        Ok(network.computing_in(spec.training.precision))
    }

    /// What is done beside the optimizer's rule.
    fn adjust(
        &self,
        job: &Job<'_>,
        stage: &PlannedStage,
        network: &Network,
        pretrained: Option<&Weights>,
    ) -> Result<Adjust, Error> {
        let optimizer = &stage.spec.optimizer;
        let anchors = match pretrained.filter(|_| optimizer.l2_sp.is_some()) {
            None => BTreeMap::new(),
            Some(pretrained) => {
                let pretrained_network = self.network(job, stage, pretrained)?;
                let known = pretrained_network.trained().into_iter();
                let known = known.filter(|(name, _)| pretrained.contains_key(name));
                known
                    .map(|(name, var)| (name, var.as_detached_tensor()))
                    .collect()
            }
        };
        Ok(Adjust {
            clip_norm: optimizer.clip_norm,
            factors: network.blueprint.rate_factors(&stage.spec)?,
            l2_sp: optimizer.l2_sp.unwrap_or(0.0),
            anchors,
        })
    }

    /// A stage ready to be trained, after what is `earlier`; weights are drawn to those in `pretrained`.
    pub(super) fn fit<'d>(
        &self,
        job: &Job<'d>,
        stage: &'d PlannedStage,
        (made, earlier): (&'d Made, &'d Earlier),
        pretrained: Option<&Weights>,
    ) -> Result<Fit<'d>, Error> {
        let (spec, data, classes) = (&stage.spec, job.data, &job.planned.classes);
        let network = &made.network;
        let features = OfRun::new(spec, (network, &made.constant), data, job.images)?;
        let inputs = |split| self.inputs(job, stage, &features, split);
        Ok(Fit {
            spec,
            network,
            train: inputs(Split::Training)?,
            validation: inputs(Split::Validation)?,
            classes: classes.len(),
            class_weights: class_weights(
                &spec.training.class_weights,
                classes,
                data.train.labels(),
                data.train.label_sets().map(AsRef::as_ref),
            ),
            label_sets: data.train.label_sets().cloned(),
            stage: stage.name.as_deref(),
            earlier,
            is_last: earlier.stages + 1 >= job.planned.stages.len(),
            all_epochs: job.planned.run.spec.epochs(),
            adjust: self.adjust(job, stage, network, pretrained)?,
        })
    }

    /// A part of the images, with what is kept of them.
    pub(super) fn inputs<'d>(
        &self,
        job: &Job<'d>,
        stage: &'d PlannedStage,
        features: &OfRun<'_>,
        split: Split,
    ) -> Result<Inputs<'d>, Error> {
        let device = &job.planned.device.device;
        let batches = batches(&stage.spec, job.data, split, job.images, device);
        let kept =
            self.prepare(|shared| features.get(&mut shared.features, split, self.progress))?;
        Ok(Inputs::new(batches).with_features(kept))
    }
}

/// Computes on these threads.
pub(super) fn on<T: Send>(threads: Option<&ThreadPool>, work: impl FnOnce() -> T + Send) -> T {
    match threads {
        Some(threads) => threads.install(work),
        None => rayon::scope(|_| work()),
    }
}

/// A part of the images, the training images changed as the spec says.
fn batches<'a>(
    spec: &'a Spec,
    data: &'a Data,
    split: Split,
    (resizing, normalizer): (Resizing, &'a Normalizer),
    device: &'a Device,
) -> Batches<'a> {
    let augmented = split == Split::Training && spec.augmentation.is_active();
    Batches::new(
        split.of(data),
        normalizer,
        resizing,
        augmented.then_some((&spec.augmentation, spec.seed)),
        device,
    )
}
