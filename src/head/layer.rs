//! What a layer of the head is.

use super::function::Activation;
use crate::choice::{Choice, Options};
use crate::graph::Op;

/// A layer that a spec can choose.
#[derive(Debug)]
pub struct Layer {
    pub choice: Choice,
    pub role: Role,
    /// What it does before its activation, with these options and for so many classes; none where that is all it does.
    pub operation: fn(&Options, usize) -> Option<Op>,
    /// The function of what the operation gives.
    pub activation: fn(&Options) -> Activation,
}

/// What a layer makes of the values that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The backbone's own pooling, which stands before the head and gives a vector.
    Pooling,
    /// A vector of `[height, width, channels]`.
    Vector,
    /// Another vector of a vector, of as many values as [`UNITS`] says.
    Dense,
    /// The shape stays.
    Each,
    /// The shape stays, and a function is applied: the activation of the layer before.
    Function,
}

/// Of layers without a function.
pub(super) fn linear(_: &Options) -> Activation {
    Activation::Linear
}
