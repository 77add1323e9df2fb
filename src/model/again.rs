//! A network of which another keeps what is frozen.

use candle_core::{Result, Tensor};

use super::blueprint::Blueprint;
use super::network::Network;
use super::weights::Weights;
use crate::graph::{Node, Parameter, Slot};

impl Network {
    /// A network with the frozen tensors of this one, and the rest as [`Network::new`] makes it.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn again(self, blueprint: Blueprint, weights: &Weights, seed: u64) -> Result<Self> {
        let frozen = |name: &str| match self.tensors.get(name) {
            Some(Slot::Frozen(tensor)) => Some(Tensor::clone(tensor)),
            _ => None,
        };
        Self::around(blueprint, (weights, seed), &self.device, frozen)
    }
}

impl Blueprint {
    /// The tensors that nothing changes.
    pub fn frozen_parameters(&self) -> impl Iterator<Item = &Parameter> {
        let all = self.graph.parameters();
        let stays = |(node, parameter): &(usize, &Parameter)| {
            !self.cut.trains(parameter) && !self.cut.moves(*node, parameter)
        };
        all.filter(stays).map(|(_, parameter)| parameter)
    }

    /// Whether what gives the same in every step is the same, but for its tensors' values.
    pub fn has_constant_part_of(&self, other: &Blueprint) -> bool {
        self.cut.frontier() == other.cut.frontier() && self.constant().eq(other.constant())
    }

    fn constant(&self) -> impl Iterator<Item = (usize, Option<&Node>)> {
        let constant = self.cut.constant().into_iter();
        constant.map(|node| (node, self.graph.nodes().get(node)))
    }
}
