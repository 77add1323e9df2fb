//! What an update rule is.

use std::fmt::Debug;

use candle_core::{Result, Tensor};

use crate::choice::{Choice, LARGEST, Mistake, Opt, Options, Range, Takes, Unset};

/// Of a learning rate: weights have 32 bits.
const LARGEST_RATE: f64 = f32::MAX as f64;

/// An optimizer that a spec can choose.
#[derive(Debug)]
pub struct Method {
    pub choice: Choice,
    /// Its option of the step size, made by [`learning_rate`].
    pub learning_rate: Opt,
    /// Its option of the weight decay, made by [`weight_decay`].
    pub weight_decay: Opt,
    /// Its rule with these options.
    pub rule: fn(&Options) -> Box<dyn Rule>,
    /// What is wrong with options that are each in their range.
    pub mistake: fn(&Options) -> Option<Mistake>,
}

/// The option of the step size.
pub(super) const fn learning_rate(default: f64) -> Opt {
    Opt {
        name: "learning_rate",
        about: "step size before the schedule",
        takes: Takes::Real {
            unset: Unset::Default(default),
            range: Range::Positive(LARGEST_RATE),
        },
    }
}

/// The option of the decoupled weight decay.
pub(super) const fn weight_decay(default: f64) -> Opt {
    Opt {
        name: "weight_decay",
        about: "decoupled weight decay, `w -= learning_rate * weight_decay * w`",
        takes: Takes::Real {
            unset: Unset::Default(default),
            range: Range::NotNegative(LARGEST),
        },
    }
}

/// What one step multiplies by, the same for all values.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The learning rate; Adam's with its bias correction.
    pub rate: f64,
    /// The part of a weight taken away before the update: learning rate × weight decay.
    pub decay: f64,
}

/// How weights follow from gradients, with its options.
pub trait Rule: Debug + Send + Sync {
    /// What is remembered for each weight from step to step, zeros at first.
    fn slots(&self) -> &'static [&'static str];

    /// The learning rate of step number `step`, from 1, where it is not the schedule's.
    fn rate(&self, _step: u64, learning_rate: f64) -> f64 {
        learning_rate
    }

    /// Updates `weights` by as many `gradients`; `slots` has as many values each, for each of [`Rule::slots`].
    fn update(&self, step: Step, weights: &mut [f32], gradients: &[f32], slots: &mut [&mut [f32]]);

    /// The kernel of [`crate::ops::optimizer_step`] that does the same, and the numbers it takes.
    #[cfg(feature = "cuda")]
    fn kernel(&self) -> (&'static str, [f32; 3]);

    /// As [`Rule::update`], by tensor operations: the new weight; `slots` are replaced.
    ///
    /// # Errors
    /// What the device reports.
    fn update_tensors(
        &self,
        step: Step,
        weight: &Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
    ) -> Result<Tensor>;
}

/// What is left of a weight after its decay, before the update.
#[inline(always)]
pub(super) fn kept(weight: f32, decay: f32) -> f32 {
    weight - weight * decay
}

/// As [`kept`], of a whole tensor.
pub(super) fn kept_tensor(weight: &Tensor, decay: f64) -> Result<Tensor> {
    weight - (weight * decay)?
}

/// Of options that are fine as soon as each is in its range.
pub(super) fn no_mistake(_: &Options) -> Option<Mistake> {
    None
}
