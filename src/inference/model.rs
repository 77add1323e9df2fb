//! A network with all that using it alone takes.

use std::path::PathBuf;

use candle_core::Device;

use crate::data::{Normalizer, Resizing};
use crate::machine;
use crate::model::{Blueprint, Network};
use crate::spec::Spec;
use crate::text::bytes;

/// A network that is ready to be asked.
pub struct Model {
    /// The model's file.
    pub path: PathBuf,
    /// The run's spec, with what it is applied to now.
    pub spec: Spec,
    /// The classes' names, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// What the folders of ImageNet's classes are called, in the same order; empty of a network trained here.
    pub synsets: Vec<String>,
    /// What images become before the network.
    pub resizing: Resizing,
    pub normalizer: Normalizer,
    pub network: Network,
    pub device: Device,
    /// The word for the device, e.g. `cpu`.
    pub device_name: String,
}

/// Refuses a network whose weights and values of one image are more than the machine's memory holds.
pub(super) fn check_memory(blueprint: &Blueprint) -> Result<(), String> {
    let graph = &blueprint.graph;
    let widest = graph.nodes().iter().map(|node| {
        let inputs = graph.inputs(node);
        let inputs = inputs.iter().map(|shape| shape.elements());
        inputs.fold(node.output.elements(), usize::saturating_add)
    });
    let weights = graph.parameters().map(|(_, p)| p.elements());
    let weights = weights.fold(0, usize::saturating_add);
    let values = widest.max().unwrap_or(0).saturating_add(weights);
    let needed = (values as u64).saturating_mul(4);
    match machine::memory() {
        Some(there) if needed > there => Err(format!(
            "its network needs {} of memory for one image, and there is {}",
            bytes(needed),
            bytes(there)
        )),
        _ => Ok(()),
    }
}
