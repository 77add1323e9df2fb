//! A declarative experiment runner for transfer learning on images.
//!
//! Data flows one way; which module knows which stands in ARCHITECTURE.md.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "print through `terminal`"
)]

pub mod analysis;
pub mod atomic;
pub mod augment;
pub mod choice;
pub mod claim;
pub mod cli;
pub mod data;
pub mod datasets;
pub mod device;
pub mod engine;
pub mod experiment;
pub mod explain;
pub mod export;
mod fail_point;
pub mod features;
pub mod fetch;
pub mod file_kind;
pub mod files;
pub mod foreign;
pub mod graph;
pub mod guarded;
pub mod head;
pub mod inference;
mod label_sets;
mod last_words;
mod machine;
pub mod metric;
pub mod model;
mod names;
pub mod ops;
pub mod optim;
pub mod parquet;
pub mod pixels;
mod probe;
pub mod progress;
pub mod report;
pub mod resize;
mod rest;
pub mod rng;
pub mod run;
pub mod search;
mod secret;
#[cfg(test)]
mod shared;
pub mod sink;
pub mod spec;
pub mod split;
pub mod stop;
pub mod store;
mod stored;
pub mod sweep;
pub mod terminal;
pub mod text;
pub mod tracking;
pub mod train;
pub mod watch;
pub mod zoo;

/// From now on, a process that aborts says so in the logs of its runs. Without, it does not; nothing else changes.
pub fn listen_for_aborts() {
    let _ = last_words::listen();
}
