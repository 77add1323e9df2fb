//! A function alone.

use super::function::{Activation, option};
use super::layer::{Layer, Role};
use crate::choice::{Choice, Opt, Unset};

pub static ACTIVATION: Layer = Layer {
    choice: Choice {
        name: "activation",
        options: &[FUNCTION],
    },
    role: Role::Function,
    operation: |_, _| None,
    activation: |options| Activation::of(options, &FUNCTION),
};

const FUNCTION: Opt = option(Unset::Needed("relu"));
