//! A drop after every so many epochs.

use super::curve::{At, Curve, Kind, factor};
use crate::choice::{Choice, MOST, Opt, Range, Takes, Unset};

pub static STEP: Kind = Kind {
    choice: Choice {
        name: "step",
        options: &[STEP_EPOCHS, FACTOR],
    },
    curve: |options| {
        Box::new(Step {
            epochs: options.count(&STEP_EPOCHS).max(1) as f64,
            factor: options.real(&FACTOR),
        })
    },
};

const STEP_EPOCHS: Opt = Opt {
    name: "step_epochs",
    about: "the epochs between two drops",
    takes: Takes::Count {
        unset: Unset::Needed(10),
        range: Range::Whole(1, MOST),
    },
};

const FACTOR: Opt = factor(0.1);

#[derive(Debug)]
struct Step {
    epochs: f64,
    factor: f64,
}

impl Curve for Step {
    fn rate(&self, at: At, base: f64, _: f64) -> f64 {
        base * self.factor.powf((at.epochs / self.epochs).floor())
    }
}
