//! A little less at each step, as Keras's `ExponentialDecay`.

use super::curve::{At, Curve, Kind, factor};
use crate::choice::{Choice, Opt};

pub static EXPONENTIAL: Kind = Kind {
    choice: Choice {
        name: "exponential",
        options: &[FACTOR],
    },
    curve: |options| {
        Box::new(Exponential {
            factor: options.real(&FACTOR),
        })
    },
};

const FACTOR: Opt = factor(0.9);

#[derive(Debug)]
struct Exponential {
    factor: f64,
}

impl Curve for Exponential {
    fn rate(&self, at: At, base: f64, _: f64) -> f64 {
        base * self.factor.powf(at.epochs)
    }
}
