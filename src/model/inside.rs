//! What a network has inside for an image, to be looked at.

use candle_core::{Result, Tensor, Var, bail};

use super::network::Network;
use crate::graph::Mode;
use crate::ops;

impl Network {
    /// What nodes give for images `[batch, height, width, 3]` where nothing trains, in the network's layout.
    ///
    /// # Errors
    /// Images of another shape, or what the device reports.
    pub fn values(&self, images: &Tensor, nodes: &[usize]) -> Result<Vec<Tensor>> {
        let last = nodes.iter().max().copied().unwrap_or(0);
        let all: Vec<usize> = (1..=last).collect();
        let images = std::slice::from_ref(images);
        self.in_pieces(&all, &[0], images, nodes, Mode::Evaluate)
    }

    /// The gradient of the logits of `class`, summed over the images, with respect to the value of `node`, which all that
    /// follows is computed from; dropout off, moving statistics used. In the shape of `value`.
    ///
    /// # Errors
    /// A value of another shape, a node that later ones look past, no such class, or what the device reports.
    pub fn gradient(&self, value: &Tensor, node: usize, class: usize) -> Result<Tensor> {
        let value = Var::from_tensor(&value.detach())?;
        let last = self.blueprint.graph.nodes().len().saturating_sub(1);
        let nodes: Vec<usize> = (node + 1..=last).collect();
        let given = std::slice::from_ref(value.as_tensor());
        let _recording = ops::Recording::start();
        let Some(logits) = self
            .pass(&nodes, &[node], given, &[last], Mode::Look)?
            .pop()
        else {
            bail!("the network gives nothing");
        };
        let (images, classes) = logits.dims2()?;
        let wanted: Vec<f32> = (0..images * classes)
            .map(|i| f32::from(u8::from(i % classes == class)))
            .collect();
        let of_class = Tensor::from_vec(wanted, (images, classes), logits.device())?;
        match ops::backward_from(&logits, of_class)?.remove(&value) {
            Some(gradient) => Ok(gradient.detach()),
            None => bail!("class {class} does not depend on node {node}"),
        }
    }
}
