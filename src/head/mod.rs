//! Layers of `[[head]]` by Keras's names, with its defaults: a file each. To add one is to add a file and a row to the
//! list.
//!
//! Defaults from Keras 3.15's own signatures (`keras/src/layers`).

mod activation;
mod batch_normalization;
mod dense;
mod dropout;
mod flatten;
mod global_average_pooling;
mod pool;

pub use activation::Activation;
pub use dense::{ACTIVATION, UNITS, Units};

use crate::choice::{Choice, Options};
use crate::graph::Op;

/// Every layer, as specs name them.
pub static LAYERS: [&Layer; 7] = [
    &pool::POOL,
    &flatten::FLATTEN,
    &global_average_pooling::GLOBAL_AVERAGE_POOLING,
    &dense::DENSE,
    &batch_normalization::BATCH_NORMALIZATION,
    &dropout::DROPOUT,
    &activation::ACTIVATION,
];

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
fn linear(_: &Options) -> Activation {
    Activation::Linear
}
