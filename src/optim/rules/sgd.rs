//! Gradient descent, with momentum or Nesterov's.

use candle_core::{Result, Tensor};

use super::rule::{Method, Rule, Step, kept, kept_tensor, learning_rate, weight_decay};
use crate::choice::{Choice, Mistake, Opt, Options, Range, Takes, Unset};
use crate::ops::vectorized;

pub static SGD: Method = Method {
    choice: Choice {
        name: "sgd",
        options: &[RATE, MOMENTUM, NESTEROV, DECAY],
    },
    learning_rate: RATE,
    weight_decay: DECAY,
    rule: |options| Box::new(Sgd::new(options)),
    mistake,
};

const RATE: Opt = learning_rate(0.01);
const DECAY: Opt = weight_decay(0.0);

/// Of this rule and RMSprop's.
pub(super) const MOMENTUM: Opt = Opt {
    name: "momentum",
    about: "how much of the last step is taken again",
    takes: Takes::Real {
        unset: Unset::Default(0.0),
        range: Range::Part,
    },
};

const NESTEROV: Opt = Opt {
    name: "nesterov",
    about: "whether the momentum is Nesterov's",
    takes: Takes::Flag { default: false },
};

#[derive(Debug)]
struct Sgd {
    momentum: f64,
    nesterov: bool,
}

impl Sgd {
    fn new(options: &Options) -> Self {
        Sgd {
            momentum: options.real(&MOMENTUM),
            nesterov: options.flag(&NESTEROV),
        }
    }
}

fn mistake(options: &Options) -> Option<Mistake> {
    let Sgd { momentum, nesterov } = Sgd::new(options);
    (nesterov && momentum == 0.0).then(|| {
        let message = "`nesterov` needs a momentum greater than 0";
        let help = "add e.g. `momentum = 0.9` to [optimizer]";
        Mistake::new(NESTEROV.name, message).help(help)
    })
}

impl Rule for Sgd {
    fn slots(&self) -> &'static [&'static str] {
        match self.momentum {
            0.0 => &[],
            _ => &["momentum"],
        }
    }

    fn update(&self, step: Step, weights: &mut [f32], gradients: &[f32], slots: &mut [&mut [f32]]) {
        let (rate, decay) = (step.rate as f32, step.decay as f32);
        let (momentum, nesterov) = (self.momentum as f32, self.nesterov);
        vectorized(
            #[inline(always)]
            || {
                let pairs = weights.iter_mut().zip(gradients);
                let [m] = slots else {
                    return pairs.for_each(|(w, g)| *w = kept(*w, decay) - g * rate);
                };
                for ((w, g), m) in pairs.zip(m.iter_mut()) {
                    *m = *m * momentum - g * rate;
                    let change = if nesterov {
                        *m * momentum - g * rate
                    } else {
                        *m
                    };
                    *w = kept(*w, decay) + change;
                }
            },
        );
    }

    #[cfg(feature = "cuda")]
    fn kernel(&self) -> (&'static str, [f32; 3]) {
        let flag = |set| f32::from(u8::from(set));
        let has_momentum = flag(self.momentum != 0.0);
        (
            "sgd",
            [self.momentum as f32, has_momentum, flag(self.nesterov)],
        )
    }

    fn update_tensors(
        &self,
        step: Step,
        weight: &Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
    ) -> Result<Tensor> {
        let kept = kept_tensor(weight, step.decay)?;
        let scaled = (gradient * step.rate)?;
        let [m] = slots else {
            return kept - scaled;
        };
        *m = ((&*m * self.momentum)? - &scaled)?;
        match self.nesterov {
            true => kept + ((&*m * self.momentum)? - scaled)?,
            false => kept + &*m,
        }
    }
}
