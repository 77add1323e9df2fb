//! One batch of a run: its gradients, and where it ends a step the update.

use candle_core::Tensor;

use super::error::Error;
use super::fit::Fit;
use super::place::Place;
use super::state::{State, Unread};
use crate::data::Mix;
use crate::ops;
use crate::optim::Optimizer;
use crate::stop::Stop;

impl Fit<'_> {
    /// One batch; the loss and the hits are those before the update, which comes with the last batch of a step.
    pub(super) fn batch(&self, place: Place<'_>, state: &mut State) -> Result<(), Error> {
        let mode = place.mode(self.spec.seed, state.at.step);
        let learning_rate = state.schedule.rate(state.at.steps_of_stage());
        let (features, labels, mix) = self.training_batch(place)?;
        let unread = |loss, logits, labels| Unread {
            epoch: place.epoch,
            batch: place.batch,
            batches: place.batches(),
            learning_rate,
            loss,
            logits,
            labels,
        };
        #[cfg(feature = "cuda")]
        if mix.is_none() && self.network.device().is_cuda() {
            let (loss, logits) = self.step_on_gpu(&features, &labels, mode, state)?;
            state.at.step += 1;
            return self.keep(unread(loss, logits, labels), state);
        }
        let _recording = ops::Recording::start();
        let logits = self.network.forward_rest(&features, mode)?;
        let weights = self.class_weights.as_ref();
        let mean_loss = self
            .criterion()
            .mean_of_mixed(&logits, &labels, weights, mix)?;
        // What an image is most of.
        let labels = match mix.filter(|mix| mix.share < 0.5) {
            Some(_) => Mix::others(&labels),
            None => labels,
        };
        self.keep(unread(mean_loss.detach(), logits.detach(), labels), state)?;
        self.learn(&mean_loss, place, &mut state.optimizer, learning_rate)?;
        if place.ends_step() {
            if let Some(average) = &state.average {
                average.update(state.at.steps_of_stage() == 0)?;
            }
            state.at.step += 1;
        }
        Ok(())
    }

    /// A whole step, which begins at `place`, with this rate; gives the loss before it.
    pub(super) fn try_rate(
        &self,
        mut place: Place<'_>,
        (step, rate): (u64, f64),
        optimizer: &mut Optimizer,
        stop: &Stop,
    ) -> Result<f64, Error> {
        let mut mean = 0.0;
        loop {
            stop.check()?;
            let (features, labels, mix) = self.training_batch(place)?;
            let _recording = ops::Recording::start();
            let mode = place.mode(self.spec.seed, step);
            let logits = self.network.forward_rest(&features, mode)?;
            let weights = self.class_weights.as_ref();
            let criterion = self.criterion();
            let loss = criterion.mean_of_mixed(&logits, &labels, weights, mix)?;
            self.learn(&loss, place, optimizer, rate)?;
            mean += place.share() * f64::from(loss.to_scalar::<f32>()?);
            if place.ends_step() {
                return Ok(mean);
            }
            place.batch += 1;
        }
    }

    fn training_batch(
        &self,
        place: Place<'_>,
    ) -> candle_core::Result<(Vec<Tensor>, Vec<u32>, Option<Mix>)> {
        let number = (place.epoch as u64, place.batch as u64);
        let images = place.images();
        self.train.training_batch(self.network, images, number)
    }

    /// Takes a batch's gradients in: all images of a step count the same in it.
    fn learn(
        &self,
        mean_loss: &Tensor,
        place: Place<'_>,
        optimizer: &mut Optimizer,
        learning_rate: f64,
    ) -> Result<(), Error> {
        let gradients = match place.share() {
            1.0 => ops::backward(mean_loss)?,
            share => ops::backward_from(mean_loss, (mean_loss.ones_like()? * share)?)?,
        };
        match place.ends_step() {
            true => optimizer.step(&gradients, learning_rate)?,
            false => optimizer.accumulate(&gradients)?,
        }
        Ok(())
    }
}
