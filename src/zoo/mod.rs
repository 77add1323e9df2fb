//! The backbones: a file a family, which builds nodes, and a row of the catalog an architecture.

mod catalog;
mod convnext;
mod densenet;
mod efficientnet;
mod imagenet;
mod regnet;
mod resnet;
mod squeezenet;
#[cfg(test)]
mod tests;
mod timm;
mod vgg;
mod vit;

pub use catalog::{Architecture, CATALOG, KERAS, KerasFile, KerasFiles, Published};
pub use imagenet::{IMAGENET_CLASSES, ImagenetClass, imagenet_classes};
pub use timm::{TimmWeights, architecture as architecture_of};

use crate::graph::op::{Dense, GlobalPool, MaxPool};
use crate::graph::{Builder, Initializer, Value};
use crate::ops::Pool2dConfig;

/// Architectures that are built in the same way.
pub trait Family: Sync {
    /// Appends the part that gives features for `images`.
    ///
    /// # Errors
    /// Images too small for it.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String>;

    /// Appends its own pooling and what it does before its classifier: a vector for what the backbone gives.
    ///
    /// # Errors
    /// As [`Builder::push`].
    fn pool(&self, graph: &mut Builder, features: Value) -> Result<Value, String> {
        global_pool(graph, features)
    }

    /// The name of its classifier.
    fn classifier(&self) -> &'static str;

    /// Appends the original head, which gives logits for what the backbone gives.
    ///
    /// # Errors
    /// As [`Builder::push`].
    fn top(&self, graph: &mut Builder, features: Value, classes: usize) -> Result<Value, String> {
        let x = self.pool(graph, features)?;
        graph.push(self.classifier(), "", Dense::new(classes), &[x])
    }

    /// How its tensors start where no weights are given; none where that is Keras's way.
    fn initializer(&self) -> Option<Initializer> {
        None
    }

    /// Whether timm builds it, too.
    fn is_timms(&self) -> bool {
        true
    }

    /// Whether the classifier fits only images of the size that it was trained on.
    fn top_wants_size(&self) -> bool {
        false
    }

    /// Parts of tensors' names that Keras's files have otherwise: ours and theirs.
    fn kerass_parts(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The modules that have tensors by their names here and elsewhere, in the graph's order, the original head
    /// included; where all names are timm's, those of the head alone.
    fn aliases(&self) -> Vec<Alias> {
        vec![Alias::timm(self.classifier())]
    }
}

/// The pooling behind a stem of a 7×7 convolution.
const STEM_POOL: MaxPool = MaxPool(Pool2dConfig {
    kernel: 3,
    stride: 2,
    padding: 1,
    ceil_mode: false,
});

/// How deep block `i` of `count` lies, from 0 to 1 at the last: the part of drop path's rate that it has in timm.
fn depth(i: usize, count: usize) -> f64 {
    i as f64 / count.saturating_sub(1).max(1) as f64
}

/// The mean over all positions, as a vector.
fn global_pool(graph: &mut Builder, features: Value) -> Result<Value, String> {
    graph.push("global_pool", "", GlobalPool { keep: false }, &[features])
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

    /// A part of the original head that has timm's name everywhere.
    fn timm(name: &str) -> Self {
        Alias::top(name, name, name)
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
