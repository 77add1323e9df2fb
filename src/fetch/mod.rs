//! Files from the network, kept in the cache folder.

mod progress;

pub use progress::{NoProgress, Progress};
