//! Adam, with or without decoupled weight decay.

use candle_core::{Result, Tensor, bail};

use super::rule::{Method, Rule, Step, kept, kept_tensor, learning_rate, no_mistake, weight_decay};
use crate::choice::{Choice, LARGEST, Opt, Options, Range, Takes, Unset};
use crate::ops::vectorized;

pub static ADAM: Method = Method {
    choice: Choice {
        name: "adam",
        options: &[RATE, BETA_1, BETA_2, EPSILON, DECAY],
    },
    learning_rate: RATE,
    weight_decay: DECAY,
    rule: |options| Box::new(Adam::new(options)),
    mistake: no_mistake,
};

const RATE: Opt = learning_rate(1e-3);
const DECAY: Opt = weight_decay(0.0);
const DECAY_W: Opt = weight_decay(0.004);

pub static ADAMW: Method = Method {
    choice: Choice {
        name: "adamw",
        options: &[RATE, BETA_1, BETA_2, EPSILON, DECAY_W],
    },
    learning_rate: RATE,
    weight_decay: DECAY_W,
    rule: ADAM.rule,
    mistake: no_mistake,
};

const BETA_1: Opt = Opt {
    name: "beta_1",
    about: "decay of the first moment",
    takes: Takes::Real {
        unset: Unset::Default(0.9),
        range: Range::Part,
    },
};

const BETA_2: Opt = Opt {
    name: "beta_2",
    about: "decay of the second moment",
    takes: Takes::Real {
        unset: Unset::Default(0.999),
        range: Range::Part,
    },
};

/// Of this rule and RMSprop's.
pub(super) const EPSILON: Opt = Opt {
    name: "epsilon",
    about: "added to the root (`rmsprop`: inside it)",
    takes: Takes::Real {
        unset: Unset::Default(1e-7),
        range: Range::Positive(LARGEST),
    },
};

#[derive(Debug)]
struct Adam {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Adam {
    fn new(options: &Options) -> Self {
        Adam {
            beta_1: options.real(&BETA_1),
            beta_2: options.real(&BETA_2),
            epsilon: options.real(&EPSILON),
        }
    }
}

impl Rule for Adam {
    fn slots(&self) -> &'static [&'static str] {
        &["momentum", "velocity"]
    }

    /// With the bias correction, in single precision as Keras: 1 - 0.999^t loses digits there, which shifts the first
    /// steps by up to 1e-5 of their length, and a faithful run shares that.
    fn rate(&self, step: u64, learning_rate: f64) -> f64 {
        let rest = |beta: f64| 1.0 - f64::from(beta as f32).powf(step as f64) as f32;
        f64::from(learning_rate as f32 * rest(self.beta_2).sqrt() / rest(self.beta_1))
    }

    fn update(&self, step: Step, weights: &mut [f32], gradients: &[f32], slots: &mut [&mut [f32]]) {
        let [first, second] = slots else { return };
        let (rate, decay) = (step.rate as f32, step.decay as f32);
        let (new_1, new_2) = ((1.0 - self.beta_1) as f32, (1.0 - self.beta_2) as f32);
        let epsilon = self.epsilon as f32;
        vectorized(
            #[inline(always)]
            || {
                let pairs = weights.iter_mut().zip(gradients);
                for (((w, g), m), v) in pairs.zip(first.iter_mut()).zip(second.iter_mut()) {
                    *m += (g - *m) * new_1;
                    *v += (g * g - *v) * new_2;
                    *w = kept(*w, decay) - *m * rate / (v.sqrt() + epsilon);
                }
            },
        );
    }

    #[cfg(feature = "cuda")]
    fn kernel(&self) -> (&'static str, [f32; 3]) {
        let (new_1, new_2) = ((1.0 - self.beta_1) as f32, (1.0 - self.beta_2) as f32);
        ("adam", [new_1, new_2, self.epsilon as f32])
    }

    fn update_tensors(
        &self,
        step: Step,
        weight: &Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
    ) -> Result<Tensor> {
        let [m, v] = slots else {
            bail!("{self:?} with {} slots", slots.len());
        };
        *m = (&*m + ((gradient - &*m)? * (1.0 - self.beta_1))?)?;
        *v = (&*v + ((gradient.sqr()? - &*v)? * (1.0 - self.beta_2))?)?;
        kept_tensor(weight, step.decay)? - ((&*m * step.rate)? / (v.sqrt()? + self.epsilon)?)?
    }
}
