//! RMSprop, with or without momentum.

use candle_core::{Result, Tensor, bail};

use super::adam::EPSILON;
use super::rule::{Method, Rule, Step, kept, kept_tensor, learning_rate, no_mistake, weight_decay};
use super::sgd::MOMENTUM;
use crate::choice::{Choice, Opt, Options, Range, Takes, Unset};
use crate::ops::vectorized;

pub static RMSPROP: Method = Method {
    choice: Choice {
        name: "rmsprop",
        options: &[RATE, MOMENTUM, RHO, EPSILON, DECAY],
    },
    learning_rate: RATE,
    weight_decay: DECAY,
    rule: |options| Box::new(Rmsprop::new(options)),
    mistake: no_mistake,
};

const RATE: Opt = learning_rate(1e-3);
const DECAY: Opt = weight_decay(0.0);

const RHO: Opt = Opt {
    name: "rho",
    about: "decay of the mean square",
    takes: Takes::Real {
        unset: Unset::Default(0.9),
        range: Range::Part,
    },
};

#[derive(Debug)]
struct Rmsprop {
    rho: f64,
    momentum: f64,
    epsilon: f64,
}

impl Rmsprop {
    fn new(options: &Options) -> Self {
        Rmsprop {
            rho: options.real(&RHO),
            momentum: options.real(&MOMENTUM),
            epsilon: options.real(&EPSILON),
        }
    }
}

impl Rule for Rmsprop {
    fn slots(&self) -> &'static [&'static str] {
        match self.momentum {
            0.0 => &["velocity"],
            _ => &["velocity", "momentum"],
        }
    }

    fn update(&self, step: Step, weights: &mut [f32], gradients: &[f32], slots: &mut [&mut [f32]]) {
        let (rate, decay) = (step.rate as f32, step.decay as f32);
        let (rho, new) = (self.rho as f32, (1.0 - self.rho) as f32);
        let (momentum, epsilon) = (self.momentum as f32, self.epsilon as f32);
        vectorized(
            #[inline(always)]
            || {
                let pairs = weights.iter_mut().zip(gradients);
                match slots {
                    [v] => {
                        for ((w, g), v) in pairs.zip(v.iter_mut()) {
                            *v = rho * *v + new * (g * g);
                            *w = kept(*w, decay) - rate * g / (*v + epsilon).sqrt();
                        }
                    }
                    [v, m] => {
                        for (((w, g), v), m) in pairs.zip(v.iter_mut()).zip(m.iter_mut()) {
                            *v = rho * *v + new * (g * g);
                            *m = momentum * *m + rate * g / (*v + epsilon).sqrt();
                            *w = kept(*w, decay) - *m;
                        }
                    }
                    _ => {}
                }
            },
        );
    }

    #[cfg(feature = "cuda")]
    fn kernel(&self) -> (&'static str, [f32; 3]) {
        let numbers = [self.rho, self.momentum, self.epsilon];
        ("rmsprop", numbers.map(|number| number as f32))
    }

    fn update_tensors(
        &self,
        step: Step,
        weight: &Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
    ) -> Result<Tensor> {
        let [v, rest @ ..] = slots else {
            bail!("{self:?} without slots");
        };
        *v = ((&*v * self.rho)? + (gradient.sqr()? * (1.0 - self.rho))?)?;
        let change = ((gradient * step.rate)? / (&*v + self.epsilon)?.sqrt()?)?;
        let kept = kept_tensor(weight, step.decay)?;
        match rest {
            [m] => {
                *m = ((&*m * self.momentum)? + change)?;
                kept - &*m
            }
            _ => kept - change,
        }
    }
}
