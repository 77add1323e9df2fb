//! The architecture's own pooling and what it does before its classifier; it is built with the backbone.

use super::layer::{Layer, Role, linear};
use crate::choice::Choice;

pub static POOL: Layer = Layer {
    choice: Choice {
        name: "pool",
        options: &[],
    },
    role: Role::Pooling,
    operation: |_, _| None,
    activation: linear,
};
