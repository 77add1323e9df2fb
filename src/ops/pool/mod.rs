//! Pooling, channels last.

mod average;
mod global;
mod max;

#[cfg(test)]
mod tests;
mod windows;

pub use average::average_pool2d;
pub use global::global_average_pool;
pub use max::max_pool2d;
pub use windows::Pool2dConfig;
#[cfg(feature = "cuda")]
pub(in crate::ops) use windows::Windows;
