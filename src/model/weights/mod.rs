//! Weight files: safetensors in and out, those of PyTorch and Keras in, and whose names the tensors in them have.
//!
//! Tensors are in PyTorch's layouts: convolutions `[out, in, height, width]`, dense layers `[out, in]`.

mod codec;
mod error;
mod fit;
mod keras;
mod names;
mod numbers;
mod positions;
mod prefix;
mod pytorch;
mod read;
mod safetensors;
mod save;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use codec::Shapes;
pub use error::{Error, Misfit};
pub use fit::{Wanted, check, check_shapes, load, load_saying};
pub use keras::convert as convert_keras;
pub use names::{Part, needed, timms_name};
pub use positions::Positions;
pub use read::{metadata, read};
pub use safetensors::digest;
pub use save::{save, save_claimed, write};
pub use shared::{FOLDER as SHARED_FOLDER, FROZEN_FILE, Frozen, has_frozen, save_shared};

/// Tensors by name, in PyTorch's layouts.
pub type Weights = BTreeMap<String, HostTensor>;

/// A tensor's values on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// The length of each dimension, the slowest first.
    pub shape: Vec<usize>,
    /// As many values as the shape says, the last dimension fastest.
    pub data: Vec<f32>,
}

/// What a weight file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightFile {
    /// The tensors under the file's own names.
    pub tensors: BTreeMap<String, HostTensor>,
    /// The free text beside them.
    pub metadata: BTreeMap<String, String>,
}
