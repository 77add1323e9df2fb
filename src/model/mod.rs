//! The chain of named layers, backbones, head, freeze boundary, weights in and out, summary.

mod blueprint;
mod build;
mod cost;
mod init;
mod layer;
mod layout;
mod network;
mod shape;
mod squeezenet;
mod summary;
#[cfg(test)]
mod tests;
mod vgg;
pub mod weights;

pub use blueprint::{Blueprint, Builder, Link};
pub use build::IMAGENET_CLASSES;
pub use cost::{Cost, images_at_once};
pub use layer::{Layer, Parameter, Role};
pub use network::{Mode, Network, Weights};
pub use shape::Shape;
pub use summary::summary;
