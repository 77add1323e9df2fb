//! A network that is used again.

use candle_core::Result;

use super::network::Network;
use super::weights::{HostTensor, Weights};
use crate::graph::{Parameter, Slot, to_file};
use crate::model::init;

impl Network {
    /// Sets what training changes to what a new network of `weights` and `seed` begins with: to the tensors in `weights`
    /// where they are there, else to what the initializers give. What is frozen stays.
    ///
    /// # Errors
    /// A tensor of another shape, or what the device reports.
    pub fn begin_again(&self, weights: &Weights, seed: u64) -> Result<()> {
        let drawn = self.changing().filter_map(|parameter| {
            let is_drawn = !weights.contains_key(&parameter.name);
            is_drawn.then(|| (parameter.name.clone(), drawn(parameter, seed)))
        });
        self.restore(&drawn.collect())?;
        self.restore(weights)
    }

    /// The tensors that training changes.
    fn changing(&self) -> impl Iterator<Item = &Parameter> {
        let all = self.blueprint.graph.parameters();
        let changes = |parameter: &&Parameter| {
            let slot = self.tensors.get(&parameter.name);
            matches!(slot, Some(Slot::Trained(_) | Slot::Moving(_)))
        };
        all.map(|(_, parameter)| parameter).filter(changes)
    }
}

/// What the initializer gives, as a file would have it.
fn drawn(parameter: &Parameter, seed: u64) -> HostTensor {
    HostTensor {
        shape: parameter.file_shape(),
        data: to_file(parameter, &init::values(parameter, seed)),
    }
}
