//! Steps of the optimizers.

use candle_core::{DType, Result, Tensor, bail};
use cudarc::driver::DeviceRepr;

use super::capture::Varying;
use super::gpu::{Gpu, Grid, Parameter, address, launch};

/// Tensors of one launch: as many as its arguments hold.
const TENSORS: usize = 64;
/// What a rule remembers of each weight at most.
const SLOTS: usize = 2;
/// Blocks of a tensor at most.
const BLOCKS: usize = 512;

/// A tensor with its gradient and what is remembered for it, all of the same size; the gradient alone is not written.
pub struct Step<'a> {
    pub weights: &'a Tensor,
    pub gradient: &'a Tensor,
    pub slots: &'a [Tensor],
}

/// `Place` of `kernels/optimizer.cuh`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Place {
    weights: u64,
    gradient: u64,
    slots: [u64; SLOTS],
    count: i64,
}

/// `Places` of `kernels/optimizer.cuh`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Places([Place; TENSORS]);

// SAFETY: addresses and integers of 64 bits, as the kernels have them.
unsafe impl DeviceRepr for Places {}

impl Parameter for Places {
    type Value = Places;

    fn value(&self) -> Result<Places> {
        Ok(*self)
    }
}

/// Steps by the rule whose kernel has this name; the numbers are those that it takes after the tensors.
///
/// # Errors
/// Tensors of other sizes or types, too many slots, or what the GPU reports.
pub fn optimizer_step(kernel: &'static str, numbers: [f32; 5], steps: &[Step<'_>]) -> Result<()> {
    for steps in steps.chunks(TENSORS) {
        let Some(first) = steps.first() else { continue };
        let gpu = Gpu::of(first.weights)?;
        let mut places = Places([Place::default(); TENSORS]);
        let mut largest = 0;
        for (place, step) in places.0.iter_mut().zip(steps) {
            *place = step.place()?;
            largest = largest.max(step.weights.elem_count());
        }
        let blocks = largest.div_ceil(256).clamp(1, BLOCKS);
        let grid = Grid::blocks((blocks, steps.len(), 1), (256, 1));
        let [rate, decay, a, b, c] = numbers;
        launch!(
            gpu, kernel, None, grid, places, rate, decay, a, b, c, Varying
        );
    }
    Ok(())
}

impl Step<'_> {
    fn place(&self) -> Result<Place> {
        let same =
            |t: &&Tensor| t.elem_count() == self.weights.elem_count() && t.dtype() == DType::F32;
        let others = self.slots.iter().chain([self.weights, self.gradient]);
        if self.slots.len() > SLOTS || !others.into_iter().all(|t| same(&t)) {
            bail!("an optimizer's step wants f32 tensors of one size, and at most {SLOTS} slots");
        }
        let mut slots = [0; SLOTS];
        for (place, slot) in slots.iter_mut().zip(self.slots) {
            *place = address(slot)?;
        }
        Ok(Place {
            weights: address(self.weights)?,
            gradient: address(self.gradient)?,
            slots,
            count: self.weights.elem_count() as i64,
        })
    }
}
