//! The update rules, for plain values and for tensors, from the source of Keras 3.15.1.

use candle_core::{Result, Tensor};

use crate::ops::vectorized;
use crate::spec::{self, OptimizerName};

/// An optimizer with its options; what each is stands in [`spec::Optimizer`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    Sgd {
        momentum: f64,
        nesterov: bool,
    },
    Adam {
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
    },
    Rmsprop {
        rho: f64,
        momentum: f64,
        epsilon: f64,
    },
}

/// What one step multiplies by, the same for all values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The learning rate; Adam's with its bias correction.
    pub rate: f64,
    /// The part of a weight taken away before the update: learning rate × weight decay.
    pub decay: f64,
}

impl Rule {
    /// The spec's rule, with Keras's defaults.
    pub fn new(optimizer: &spec::Optimizer) -> Self {
        let momentum = optimizer.momentum.unwrap_or(0.0);
        let epsilon = optimizer.epsilon.unwrap_or(1e-7);
        match optimizer.name {
            OptimizerName::Sgd => Rule::Sgd {
                momentum,
                nesterov: optimizer.nesterov.unwrap_or(false),
            },
            OptimizerName::Adam | OptimizerName::Adamw => Rule::Adam {
                beta_1: optimizer.beta_1.unwrap_or(0.9),
                beta_2: optimizer.beta_2.unwrap_or(0.999),
                epsilon,
            },
            OptimizerName::Rmsprop => Rule::Rmsprop {
                rho: optimizer.rho.unwrap_or(0.9),
                momentum,
                epsilon,
            },
        }
    }

    /// What is remembered for each weight from step to step.
    pub fn slots(&self) -> &'static [&'static str] {
        match *self {
            Rule::Sgd { momentum: 0.0, .. } => &[],
            Rule::Sgd { .. } => &["momentum"],
            Rule::Adam { .. } => &["momentum", "velocity"],
            Rule::Rmsprop { momentum: 0.0, .. } => &["velocity"],
            Rule::Rmsprop { .. } => &["velocity", "momentum"],
        }
    }

    /// The factors of step number `step`, from 1.
    pub fn step(&self, step: u64, learning_rate: f64, weight_decay: f64) -> Step {
        let rate = match *self {
            Rule::Adam { beta_1, beta_2, .. } => {
                // In single precision, as Keras: 1 - 0.999^t loses digits there, which shifts the first
                // steps by up to 1e-5 of their length, and a faithful run shares that.
                let rest = |beta: f64| 1.0 - f64::from(beta as f32).powf(step as f64) as f32;
                f64::from(learning_rate as f32 * rest(beta_2).sqrt() / rest(beta_1))
            }
            _ => learning_rate,
        };
        Step {
            rate,
            decay: learning_rate * weight_decay,
        }
    }

    /// Updates `weights`, whose gradients are `gradients` and slots `first` and `second` (empty where the
    /// rule has fewer).
    pub fn update(
        &self,
        step: Step,
        weights: &mut [f32],
        gradients: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        vectorized(
            #[inline(always)]
            || self.update_values(step, weights, gradients, first, second),
        );
    }

    #[inline(always)]
    fn update_values(
        &self,
        step: Step,
        weights: &mut [f32],
        gradients: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let rate = step.rate as f32;
        let decay = step.decay as f32;
        let kept = |w: f32| w - w * decay;
        let pairs = weights.iter_mut().zip(gradients);
        match *self {
            Rule::Sgd { momentum: 0.0, .. } => pairs.for_each(|(w, g)| *w = kept(*w) - g * rate),
            Rule::Sgd { momentum, nesterov } => {
                let momentum = momentum as f32;
                for ((w, g), m) in pairs.zip(first) {
                    *m = *m * momentum - g * rate;
                    let change = if nesterov {
                        *m * momentum - g * rate
                    } else {
                        *m
                    };
                    *w = kept(*w) + change;
                }
            }
            Rule::Adam {
                beta_1,
                beta_2,
                epsilon,
            } => {
                let (new_1, new_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
                let epsilon = epsilon as f32;
                for (((w, g), m), v) in pairs.zip(first).zip(second) {
                    *m += (g - *m) * new_1;
                    *v += (g * g - *v) * new_2;
                    *w = kept(*w) - *m * rate / (v.sqrt() + epsilon);
                }
            }
            Rule::Rmsprop {
                rho,
                momentum,
                epsilon,
            } => {
                let (rho, new) = (rho as f32, (1.0 - rho) as f32);
                let (momentum, epsilon) = (momentum as f32, epsilon as f32);
                if momentum == 0.0 {
                    for ((w, g), v) in pairs.zip(first) {
                        *v = rho * *v + new * (g * g);
                        *w = kept(*w) - rate * g / (*v + epsilon).sqrt();
                    }
                } else {
                    for (((w, g), v), m) in pairs.zip(first).zip(second) {
                        *v = rho * *v + new * (g * g);
                        *m = momentum * *m + rate * g / (*v + epsilon).sqrt();
                        *w = kept(*w) - *m;
                    }
                }
            }
        }
    }

    /// As [`Self::update`], by tensor operations: the new weight; `slots` are replaced.
    pub fn update_tensors(
        &self,
        step: Step,
        weight: &Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
    ) -> Result<Tensor> {
        let kept = (weight - (weight * step.decay)?)?;
        let scaled = (gradient * step.rate)?;
        match (*self, slots) {
            (Rule::Sgd { momentum, nesterov }, [m]) => {
                *m = ((&*m * momentum)? - &scaled)?;
                if nesterov {
                    kept + ((&*m * momentum)? - scaled)?
                } else {
                    kept + &*m
                }
            }
            (Rule::Sgd { .. }, _) => kept - scaled,
            (
                Rule::Adam {
                    beta_1,
                    beta_2,
                    epsilon,
                },
                [m, v],
            ) => {
                *m = (&*m + ((gradient - &*m)? * (1.0 - beta_1))?)?;
                *v = (&*v + ((gradient.sqr()? - &*v)? * (1.0 - beta_2))?)?;
                kept - ((&*m * step.rate)? / (v.sqrt()? + epsilon)?)?
            }
            (
                Rule::Rmsprop {
                    rho,
                    momentum,
                    epsilon,
                },
                [v, rest @ ..],
            ) => {
                *v = ((&*v * rho)? + (gradient.sqr()? * (1.0 - rho))?)?;
                let change = (scaled / (&*v + epsilon)?.sqrt()?)?;
                match rest {
                    [m] => {
                        *m = ((&*m * momentum)? + change)?;
                        kept - &*m
                    }
                    _ => kept - change,
                }
            }
            (rule, slots) => candle_core::bail!("{rule:?} with {} slots", slots.len()),
        }
    }
}
