//! A step on an NVIDIA GPU: the first batch's is captured, and the others of its shape replay it.

use candle_core::{Result, Tensor};

use super::error::Error;
use super::fit::Fit;
use super::loss::Criterion;
use super::state::State;
use crate::graph::Mode;
use crate::ops::{self, Captured};

/// A run's step.
#[derive(Default)]
pub enum GpuStep {
    /// No batch has come yet.
    #[default]
    Unknown,
    Captured(Captured),
    /// It cannot be captured.
    Single,
}

impl Fit<'_> {
    /// One update from what the constant part gave for a batch; its loss, and the logits before it.
    pub(super) fn step_on_gpu(
        &self,
        features: &[Tensor],
        labels: &[u32],
        mode: Mode,
        state: &mut State,
    ) -> std::result::Result<(Tensor, Tensor), Error> {
        let criterion = Criterion::new(&self.spec.training, self.classes);
        let weights = self.class_weights.as_deref();
        let wanted = criterion.wanted(labels, weights, self.network.device())?;
        let numbers = ops::Numbers {
            step: state.at.step,
            ..state
                .optimizer
                .next_on_gpu(state.schedule.rate(state.at.step))
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
        let found = match &state.captured {
            GpuStep::Captured(captured) if captured.takes(&inputs) => {
                captured.run(&inputs, numbers)?
            }
            GpuStep::Unknown => {
                let (found, captured) = Captured::after(&inputs, step).map_err(what_to_lower)?;
                state.captured = match captured {
                    Ok(captured) => GpuStep::Captured(captured),
                    Err(why) => {
                        tracing::warn!(
                            "steps are not captured as a CUDA graph, and take longer: {why}"
                        );
                        GpuStep::Single
                    }
                };
                found
            }
            _ => step(&inputs).map_err(what_to_lower)?,
        };
        match <[Tensor; 2]>::try_from(found) {
            Ok([loss, logits]) => Ok((loss, logits)),
            Err(_) => Err(candle_core::Error::Msg("a step gives a loss and logits".into()).into()),
        }
    }
}

/// Says of a GPU that is out of memory how much there is, and what takes less.
fn what_to_lower(error: candle_core::Error) -> candle_core::Error {
    const MIB: u64 = 1 << 20;
    match ops::gpu_memory() {
        Ok((free, total)) if error.to_string().contains("OUT_OF_MEMORY") => error.context(format!(
            "the GPU's memory ({} MiB, of which {} MiB are free) is too little for this batch; lower training.batch_size, \
             or take precision = \"bf16\"",
            total / MIB,
            free / MIB
        )),
        _ => error,
    }
}
