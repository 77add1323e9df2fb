//! Layers of `[[head]]` by Keras's names, with its defaults: a file each. To add one is to add a file and a row to the
//! list.
//!
//! Defaults from Keras 3.15's own signatures (`keras/src/layers`).

mod activation;
mod batch_normalization;
mod dense;
mod dropout;
mod flatten;
mod function;
mod global_average_pooling;
mod layer;
mod pool;

pub use dense::{ACTIVATION, UNITS, Units};
pub use function::Activation;
pub use layer::{Layer, Role};

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
