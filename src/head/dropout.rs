//! Values left out at random while training.

use super::layer::{Layer, Role, linear};
use crate::choice::{Choice, Opt, Range, Takes, Unset};
use crate::graph::op::Dropout;

pub static DROPOUT: Layer = Layer {
    choice: Choice {
        name: "dropout",
        options: &[RATE],
    },
    role: Role::Each,
    operation: |options, _| {
        let rate = options.real(&RATE);
        Some(Dropout { rate }.into())
    },
    activation: linear,
};

const RATE: Opt = Opt {
    name: "rate",
    about: "the part of the values dropped, in [0, 1)",
    takes: Takes::Real {
        unset: Unset::Needed(0.5),
        range: Range::Part,
    },
};
