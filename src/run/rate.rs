//! The learning rate of a run by a short trial.

use super::error::Error;
use super::executor::Executor;
use super::planned::PlannedRun;
use super::start;
use super::training::Job;
use crate::features::{OfRun, Split};
use crate::train::{Earlier, Fit, RateCurve, class_weights};

impl Executor<'_> {
    /// What the first stage of a run loses with rates from small to large; nothing is kept.
    ///
    /// # Errors
    /// Data or weights that cannot be had; what stops training.
    pub fn rate(&self, planned: &PlannedRun) -> Result<RateCurve, Error> {
        let Some(stage) = planned.stages.first() else {
            return Err(Error::Train(crate::train::Error::NoImages));
        };
        let (spec, run) = (&stage.spec, &planned.run);
        let services = (&self.cache, &self.hub);
        let blueprint = &stage.blueprint;
        let initial = start::weights(
            spec,
            &run.id,
            blueprint,
            &self.upstream,
            services,
            self.progress,
        )?;
        let preparation = start::preparation(spec, &run.id, &self.upstream)?;
        let resizing = preparation.resizing;
        let data = self.prepare(|shared| self.data(shared, planned, resizing))?;
        let normalizer = preparation.normalizer(spec, &data.train)?;
        let job = Job {
            planned,
            data: &data,
            images: (resizing, &normalizer),
            threads: None,
        };
        let network = self.network(&job, stage, &initial.weights)?;
        let features = OfRun::new(spec, &network, &data, job.images)?;
        let inputs = |split| self.inputs(&job, stage, &features, split);
        let earlier = Earlier::default();
        let fit = Fit {
            spec,
            network: &network,
            train: inputs(Split::Training)?,
            validation: inputs(Split::Validation)?,
            classes: planned.classes.len(),
            class_weights: class_weights(
                &spec.training.class_weights,
                &planned.classes,
                data.train.labels(),
                data.train.label_sets().map(AsRef::as_ref),
            ),
            label_sets: data.train.label_sets().cloned(),
            stage: None,
            earlier: &earlier,
            is_last: true,
            all_epochs: 1,
            adjust: self.adjust(&job, stage, &network, Some(&initial.weights))?,
        };
        Ok(fit.find_rate(self.progress, &self.stop)?)
    }
}
