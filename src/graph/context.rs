//! What a node sees of the network while it runs.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var, bail};

use super::path::tensor_name;
use crate::ops;
use crate::rng::{Purpose, Stream, name_index};

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout off, moving statistics used.
    Evaluate,
    /// As [`Mode::Evaluate`], with gradients of values.
    Look,
    /// Dropout on, batch statistics used and moving statistics updated where a node follows the batches.
    Train { seed: u64, step: u64 },
}

/// A tensor of the network, by what may change it.
#[derive(Clone, Debug)]
pub enum Slot {
    /// Nothing: it is frozen.
    Frozen(Tensor),
    /// The optimizer.
    Trained(Var),
    /// The forward pass: moving statistics.
    Moving(Var),
}

/// The tensors of a network by name, in its own layouts.
#[derive(Debug, Default)]
pub struct Tensors(BTreeMap<String, Slot>);

/// A node in a forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Its name.
    node: &'a str,
    tensors: &'a Tensors,
    mode: Mode,
    follows_batches: bool,
    products: ops::Products,
}

impl Slot {
    /// The values.
    pub fn tensor(&self) -> &Tensor {
        match self {
            Slot::Frozen(tensor) => tensor,
            Slot::Trained(var) | Slot::Moving(var) => var.as_tensor(),
        }
    }
}

impl Tensors {
    /// Adds a tensor.
    pub fn insert(&mut self, name: String, slot: Slot) {
        self.0.insert(name, slot);
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Slot> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Slot)> {
        self.0.iter().map(|(name, slot)| (name.as_str(), slot))
    }
}

impl<'a> Context<'a> {
    /// Of the node of this name among the network's tensors, whose statistics follow the batches or not.
    pub fn new(node: &'a str, tensors: &'a Tensors, mode: Mode, follows_batches: bool) -> Self {
        Context {
            node,
            tensors,
            mode,
            follows_batches,
            products: ops::Products::F32,
        }
    }

    /// The same, with other products on a CPU.
    pub fn by(self, products: ops::Products) -> Self {
        Context { products, ..self }
    }

    /// What products are computed with on a CPU.
    pub fn products(&self) -> ops::Products {
        self.products
    }

    /// The node's tensor `suffix`.
    ///
    /// # Errors
    /// There is none.
    pub fn tensor(&self, suffix: &str) -> Result<&'a Tensor> {
        let name = tensor_name(self.node, suffix);
        match self.tensors.get(&name) {
            Some(slot) => Ok(slot.tensor()),
            None => bail!("the network has no tensor {name}"),
        }
    }

    /// Whether the node uses and follows the batch's statistics.
    pub fn uses_batch_statistics(&self) -> bool {
        matches!(self.mode, Mode::Train { .. }) && self.follows_batches
    }

    /// Moves the moving statistic `suffix` by [`ops::move_towards`].
    ///
    /// # Errors
    /// Another shape.
    pub fn update_moving(
        &self,
        suffix: &str,
        batch: &Tensor,
        momentum: f64,
        scale: f64,
    ) -> Result<()> {
        match self.tensors.get(&tensor_name(self.node, suffix)) {
            Some(Slot::Moving(moving)) => ops::move_towards(moving, batch, momentum, scale),
            _ => Ok(()),
        }
    }

    /// Random numbers of this node in this step; none outside training.
    pub fn random(&self, purpose: Purpose) -> Option<Stream> {
        match self.mode {
            Mode::Evaluate | Mode::Look => None,
            Mode::Train { seed, step } => {
                Some(Stream::new(seed, purpose, step, name_index(self.node)))
            }
        }
    }
}
