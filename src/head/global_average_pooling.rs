//! The mean of each channel.

use super::layer::{Layer, Role, linear};
use crate::choice::Choice;
use crate::graph::op::GlobalPool;

pub static GLOBAL_AVERAGE_POOLING: Layer = Layer {
    choice: Choice {
        name: "global_average_pooling",
        options: &[],
    },
    role: Role::Vector,
    operation: |_, _| Some(GlobalPool { keep: false }.into()),
    activation: linear,
};
