//! All values of `[height, width, channels]` as one vector.

use super::layer::{Layer, Role, linear};
use crate::choice::Choice;
use crate::graph::op::Flatten;

pub static FLATTEN: Layer = Layer {
    choice: Choice {
        name: "flatten",
        options: &[],
    },
    role: Role::Vector,
    operation: |_, _| Some(Flatten.into()),
    activation: linear,
};
