//! The network that a spec describes: backbone, head, what is frozen; with its weights, and running.

mod adjust;
mod again;
mod blueprint;
mod finished;
mod freeze;
mod head;
mod init;
mod inside;
mod network;
mod pass;
#[cfg(test)]
mod tests;
pub mod weights;

pub use blueprint::{Blueprint, Classifier};
pub use network::Network;
pub use weights::Weights;
