//! Trackers that people already have, which log the runs beside what is recorded anyway.
//!
//! A tracker changes nothing about a run: one that fails is said once, and training continues.

mod epochs;
mod follow;
mod mlflow;
mod names;
mod outbox;
mod tensorboard;
mod tracker;
mod trouble;

pub use follow::{Following, open};
pub use tracker::Tracked;
