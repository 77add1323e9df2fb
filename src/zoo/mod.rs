//! The backbones: a file a family, which builds nodes, and a row of the catalog an architecture.

mod catalog;
mod squeezenet;

mod vgg;

pub use catalog::{Architecture, CATALOG, Published};

use crate::graph::{Builder, Value};

/// Classes of ImageNet, and so of every original classifier.
pub const IMAGENET_CLASSES: usize = 1000;

/// Architectures that are built in the same way.
pub trait Family: Sync {
    /// Appends the part that gives features for `images`.
    ///
    /// # Errors
    /// Images too small for it.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String>;

    /// Appends the original classifier, which gives logits for what the backbone gives.
    ///
    /// # Errors
    /// As [`Builder::push`].
    fn top(&self, graph: &mut Builder, features: Value, classes: usize) -> Result<Value, String>;

    /// Whether the classifier fits only images of the size that it was trained on.
    fn top_wants_size(&self) -> bool {
        false
    }

    /// What torchvision and timm call the modules that have tensors, in the graph's order, the classifier included.
    fn aliases(&self) -> Vec<Alias>;
}

/// A module's names: our own, and elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub ours: String,
    pub torchvision: String,
    pub timm: String,
    /// Whether it belongs to the original classifier.
    pub top: bool,
}

impl Alias {
    /// Member `n` of the sequence `features`, which both have.
    fn feature(ours: String, n: usize) -> Self {
        let there = format!("features.{n}");
        Alias {
            ours,
            torchvision: there.clone(),
            timm: there,
            top: false,
        }
    }

    fn top(ours: &str, torchvision: &str, timm: &str) -> Self {
        Alias {
            ours: ours.into(),
            torchvision: torchvision.into(),
            timm: timm.into(),
            top: true,
        }
    }
}
