//! A step of one tensor in the host's memory.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, bail};
use rayon::prelude::*;

use super::rules::{Rule, Step};

/// Values updated at a time.
const CHUNK: usize = 16 * 1024;
/// Chunks that are worth handing to another thread.
const MIN_CHUNKS: usize = 8;

/// One step of one parameter on the CPU, in one pass over it.
pub(super) struct Update<'a> {
    pub rule: &'a dyn Rule,
    pub step: Step,
    /// Behind a lock because candle hands an operation out shared.
    pub slots: Mutex<&'a mut Vec<Vec<f32>>>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "optimizer step"
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        weights_layout: &Layout,
        gradients: &CpuStorage,
        gradients_layout: &Layout,
    ) -> Result<()> {
        let (CpuStorage::F32(weights), CpuStorage::F32(gradients)) = (weights, gradients) else {
            bail!("weights and gradients must be f32");
        };
        let place = |layout: &Layout| match layout.contiguous_offsets() {
            Some((start, end)) => Ok(start..end),
            None => bail!("weights and gradients must be contiguous, got {layout:?}"),
        };
        let (Some(weights), Some(gradients)) = (
            weights.get_mut(place(weights_layout)?),
            gradients.get(place(gradients_layout)?),
        ) else {
            bail!("the layout of weights or gradients does not fit their storage");
        };
        let Ok(mut slots) = self.slots.lock() else {
            bail!("an earlier update of this tensor failed");
        };
        // Of each chunk, the part of every slot.
        let mut parts: Vec<Vec<&mut [f32]>> = Vec::new();
        parts.resize_with(weights.len().div_ceil(CHUNK), Vec::new);
        for slot in slots.iter_mut() {
            let chunks = parts.iter_mut().zip(slot.chunks_mut(CHUNK));
            chunks.for_each(|(part, chunk)| part.push(chunk));
        }
        weights
            .par_chunks_mut(CHUNK)
            .zip(gradients.par_chunks(CHUNK))
            .zip(&mut parts)
            .with_min_len(MIN_CHUNKS)
            .for_each(|((w, g), slots)| self.rule.update(self.step, w, g, slots));
        Ok(())
    }
}
