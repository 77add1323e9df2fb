//! What a file of weights in any format is asked for.

use std::collections::BTreeMap;
use std::io;

/// Tensors by name with their shapes in PyTorch's layouts.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// An open file of weights whose head has been read.
pub(super) trait Codec {
    /// The tensors by the file's names, in PyTorch's layouts.
    fn shapes(&self) -> Shapes;

    /// A tensor's values, as many as its shape says; none where the file has none of this name.
    ///
    /// # Errors
    /// What is wrong with it.
    fn values(&mut self, name: &str) -> Result<Option<Vec<f32>>, Trouble>;

    /// The free text beside the tensors.
    fn metadata(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}

/// What is wrong with a file, or a tensor of it.
#[derive(Debug)]
pub(super) enum Trouble {
    Io(io::Error),
    /// The file contradicts itself, or is no file of weights.
    Wrong(String),
    /// The tensor has a type, by this name, that weights do not have.
    Type(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Io(error)
    }
}
