//! A declarative experiment runner for transfer learning on images.
//!
//! Data flows one way: `spec` → `data`, `model` → `train` → `sweep` → `record`, with `cli` on top and
//! `ops`, `optim`, `device` and `rng` below.

pub mod rng;
pub mod spec;
