//! A run's step on an NVIDIA GPU: the first batch's is captured, and the others of its shape replay it.

use candle_core::{Result, Tensor};

use crate::ops::{self, Captured, Numbers};

/// How the steps of a run are done.
#[derive(Default)]
pub enum GpuStep {
    /// No batch has come yet.
    #[default]
    Unknown,
    Captured(Captured),
    /// They cannot be captured.
    Single,
}

impl GpuStep {
    /// Does `step` with these inputs and numbers.
    ///
    /// # Errors
    /// What the step or the GPU reports.
    pub fn run(
        &mut self,
        inputs: &[Tensor],
        numbers: Numbers,
        step: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Vec<Tensor>> {
        match self {
            GpuStep::Captured(captured) if captured.takes(inputs) => captured.run(inputs, numbers),
            GpuStep::Unknown => {
                let (found, captured) = Captured::after(inputs, step)?;
                *self = captured.map_or_else(
                    |why| {
                        tracing::warn!("steps take longer, as no CUDA graph captures them: {why}");
                        GpuStep::Single
                    },
                    GpuStep::Captured,
                );
                Ok(found)
            }
            _ => step(inputs),
        }
        .map_err(what_to_lower)
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
