//! Pooling, channels last.

mod average;
mod max;

#[cfg(test)]
mod tests;

pub use average::global_average_pool;
pub(super) use max::MaxPoolOp;
pub use max::{Pool2dConfig, max_pool2d};
