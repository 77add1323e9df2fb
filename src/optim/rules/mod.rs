//! The update rules, a file each, from the source of Keras 3.15.1. To add one is to add a file and a row to the list.

mod adam;
mod rmsprop;
mod rule;
mod sgd;

pub use adam::ADAM;
pub use rule::{Method, Rule, Step};

/// Every optimizer, as specs name them.
pub static METHODS: [&Method; 4] = [&sgd::SGD, &adam::ADAM, &adam::ADAMW, &rmsprop::RMSPROP];
