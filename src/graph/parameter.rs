//! The tensors of a node.

use super::initial::Distribution;
use super::path::prefixes;
use super::role::Role;

/// A tensor of a node: its full name, its shape, and what it starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// As in `model.safetensors`, e.g. `block1_conv1.weight`.
    pub name: String,
    pub role: Role,
    /// `[height, width, in, out]` for every kernel (a dense kernel after `flatten` has the
    /// height and width of the map that was flattened, others have 1 and 1); the map
    /// `[height, width, channels]` or `[channels]` for everything else; an embedding's own shape.
    pub extent: Vec<usize>,
    /// What its values are drawn from where no weights are given.
    pub initial: Distribution,
}

impl Parameter {
    /// The paths it lies at, its name last: `a`, `a.b`, `a.b.weight` of `a.b.weight`.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        prefixes(&self.name)
    }

    /// Number of values.
    pub fn elements(&self) -> usize {
        self.extent.iter().product()
    }

    /// [`Parameter::elements`], or none where they are more than can be counted.
    pub fn checked_elements(&self) -> Option<usize> {
        self.extent.iter().copied().try_fold(1, usize::checked_mul)
    }

    /// The shape the tensor has while the network runs.
    pub fn shape(&self) -> Vec<usize> {
        match (self.role, self.extent.as_slice()) {
            (Role::Kernel { dense: true }, [h, w, i, o]) => vec![h * w * i, *o],
            (Role::Kernel { .. } | Role::Token | Role::Positions { .. }, extent) => extent.to_vec(),
            _ => vec![self.elements()],
        }
    }

    /// The shape the tensor has in PyTorch and in files.
    pub fn file_shape(&self) -> Vec<usize> {
        match (self.role, self.extent.as_slice()) {
            (Role::Kernel { dense: true }, [h, w, i, o]) => vec![*o, i * h * w],
            (Role::Kernel { dense: false }, [h, w, i, o]) => vec![*o, *i, *h, *w],
            (Role::Token | Role::Positions { .. }, extent) => extent.to_vec(),
            _ => vec![self.elements()],
        }
    }
}
