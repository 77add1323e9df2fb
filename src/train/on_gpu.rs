//! A run's update on an NVIDIA GPU.

use candle_core::{Result, Tensor};

use super::error::Error;
use super::fit::Fit;
use super::state::State;
use crate::graph::Mode;
use crate::ops;

impl Fit<'_> {
    /// One update from what the constant part gave for a batch; its loss, and the logits before it.
    pub(super) fn step_on_gpu(
        &self,
        features: &[Tensor],
        labels: &[u32],
        mode: Mode,
        state: &mut State,
    ) -> std::result::Result<(Tensor, Tensor), Error> {
        let criterion = self.criterion();
        let weights = self.class_weights.as_ref();
        let wanted = criterion.wanted(labels, weights, self.network.device())?;
        let numbers = ops::Numbers {
            step: state.at.step,
            ..state
                .optimizer
                .next_on_gpu(state.schedule.rate(state.at.steps_of_stage()))
        };
        let inputs = [features, &wanted].concat();
        let optimizer = &state.optimizer;
        let step = |inputs: &[Tensor]| -> Result<Vec<Tensor>> {
            let (features, wanted) = inputs.split_at(features.len());
            let _recording = ops::Recording::start();
            let logits = self.network.forward_rest(features, mode)?;
            let loss = criterion.mean_of(&logits, wanted)?;
            optimizer.apply_on_gpu(&ops::backward(&loss)?, numbers)?;
            Ok(vec![loss, logits])
        };
        match <[Tensor; 2]>::try_from(state.captured.run(&inputs, numbers, step)?) {
            Ok([loss, logits]) => Ok((loss, logits)),
            Err(_) => Err(candle_core::Error::Msg("a step gives a loss and logits".into()).into()),
        }
    }
}
