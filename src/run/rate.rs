//! The learning rate of a run by a short trial.

use super::error::Error;
use super::executor::Executor;
use super::networks::Made;
use super::planned::PlannedRun;
use super::start;
use super::training::{Job, on};
use crate::train::{Earlier, RateCurve};

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
        let initial = self.start(spec, &run.id, &stage.blueprint)?;
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
        let made = Made::new(self.network(&job, stage, &initial.weights)?, None);
        let earlier = Earlier::default();
        let pretrained = Some(&initial.weights);
        let fit = self.fit(&job, stage, (&made, &earlier), pretrained)?;
        Ok(on(job.threads, || {
            fit.find_rate(self.progress, &self.stop)
        })?)
    }
}
