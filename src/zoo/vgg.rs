//! VGG (Simonyan and Zisserman, 2014), by Keras's layer names.

use super::{Alias, Family};
use crate::graph::op::{BatchNorm, Convolution, Dense, Flatten, Function, MaxPool};
use crate::graph::{Builder, Value};
use crate::ops::{Padding, Pool2dConfig};

/// Channels of the five blocks.
const FILTERS: [usize; 5] = [64, 128, 256, 512, 512];

/// torchvision's: `momentum = 0.1` counted the other way round, `eps = 1e-5`.
const BATCH_NORM: BatchNorm = BatchNorm {
    momentum: 0.9,
    epsilon: 1e-5,
    unbiased: false,
};

const POOL: MaxPool = MaxPool(Pool2dConfig {
    kernel: 2,
    stride: 2,
    padding: 0,
    ceil_mode: false,
});

/// One of its depths.
pub struct Vgg {
    /// Convolutions in each of the five blocks.
    convolutions: [usize; 5],
    /// Whether each is followed by batch normalization.
    batch_norm: bool,
}

impl Vgg {
    /// Of these convolutions in the five blocks, each followed by batch normalization or not.
    pub const fn new(convolutions: [usize; 5], batch_norm: bool) -> Self {
        Vgg {
            convolutions,
            batch_norm,
        }
    }

    fn convolution(
        &self,
        graph: &mut Builder,
        name: &str,
        filters: usize,
        x: Value,
    ) -> Result<Value, String> {
        let convolution = Convolution {
            padding: Padding::Each(1),
            ..Convolution::new(filters, 3)
        };
        if !self.batch_norm {
            return graph.push_activated(name, "", convolution, Function::RELU, x);
        }
        let x = graph.push(name, "", convolution, &[x])?;
        graph.push_activated(&format!("{name}_bn"), "", BATCH_NORM, Function::RELU, x)
    }
}

impl Family for Vgg {
    /// `block1_conv1` … `block5_pool`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let mut x = images;
        for (block, (count, filters)) in (1..).zip(self.convolutions.into_iter().zip(FILTERS)) {
            for conv in 1..=count {
                let name = format!("block{block}_conv{conv}");
                x = self.convolution(graph, &name, filters, x)?;
            }
            x = graph.push(&format!("block{block}_pool"), "", POOL, &[x])?;
        }
        Ok(x)
    }

    /// `flatten`, `fc1`, `fc2`.
    fn pool(&self, graph: &mut Builder, features: Value) -> Result<Value, String> {
        let mut x = graph.push("flatten", "", Flatten, &[features])?;
        for name in ["fc1", "fc2"] {
            let dense = Dense::new(4096);
            x = graph.push_activated(name, "", dense, Function::RELU, x)?;
        }
        Ok(x)
    }

    fn classifier(&self) -> &'static str {
        "predictions"
    }

    fn top_wants_size(&self) -> bool {
        true
    }

    /// torchvision counts the members of its `features` sequence, the ones without weights included
    /// (`torchvision/models/vgg.py`). timm keeps that and has the top as convolutions (`timm/models/vgg.py`).
    fn aliases(&self) -> Vec<Alias> {
        let mut aliases = Vec::new();
        let mut n = 0;
        for (block, convolutions) in (1..).zip(self.convolutions) {
            for i in 1..=convolutions {
                let name = format!("block{block}_conv{i}");
                aliases.push(Alias::feature(name.clone(), n));
                if self.batch_norm {
                    n += 1;
                    aliases.push(Alias::feature(format!("{name}_bn"), n));
                }
                // The convolution, or its batch norm, and the activation.
                n += 2;
            }
            // The pool.
            n += 1;
        }
        aliases.push(Alias::top("fc1", "classifier.0", "pre_logits.fc1"));
        aliases.push(Alias::top("fc2", "classifier.3", "pre_logits.fc2"));
        aliases.push(Alias::top("predictions", "classifier.6", "head.fc"));
        aliases
    }
}
