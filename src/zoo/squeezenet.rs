//! SqueezeNet 1.1 (Iandola et al., 2016), with torchvision's rounding of the pooled sizes.

use super::{Alias, Family, global_pool};
use crate::graph::op::{Concatenate, Convolution, Dropout, Function, GlobalPool, MaxPool};
use crate::graph::{Builder, Value};
use crate::ops::{Padding, Pool2dConfig};

/// A 3×3 pooling of stride 2 that rounds the size up.
const POOL: MaxPool = MaxPool(Pool2dConfig {
    kernel: 3,
    stride: 2,
    padding: 0,
    ceil_mode: true,
});

/// What `fire2` … `fire9` squeeze to, and half of what they give; a pooling stands before some.
const FIRES: [(usize, usize, Option<&str>); 8] = [
    (16, 64, None),
    (16, 64, None),
    (32, 128, Some("pool3")),
    (32, 128, None),
    (48, 192, Some("pool5")),
    (48, 192, None),
    (64, 256, None),
    (64, 256, None),
];

/// Version 1.1.
pub struct Squeezenet;

/// A 1×1 squeeze, then 1×1 and 3×3 expansions side by side.
fn fire(
    graph: &mut Builder,
    name: &str,
    (squeeze, expand): (usize, usize),
    x: Value,
) -> Result<Value, String> {
    let mut convolution = |part, filters, size: usize, x| {
        let convolution = Convolution {
            padding: Padding::Each(size / 2),
            ..Convolution::new(filters, size)
        };
        graph.push_activated(name, part, convolution, Function::RELU, x)
    };
    let squeezed = convolution("squeeze", squeeze, 1, x)?;
    let expanded = [
        convolution("expand1x1", expand, 1, squeezed)?,
        convolution("expand3x3", expand, 3, squeezed)?,
    ];
    graph.push(name, "concatenate", Concatenate, &expanded)
}

impl Family for Squeezenet {
    /// `conv1`, `pool1`, `fire2` … `fire9`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let convolution = Convolution {
            stride: 2,
            ..Convolution::new(64, 3)
        };
        let mut x = graph.push_activated("conv1", "", convolution, Function::RELU, images)?;
        x = graph.push("pool1", "", POOL, &[x])?;
        for (i, (squeeze, expand, pool)) in (2..).zip(FIRES) {
            if let Some(pool) = pool {
                x = graph.push(pool, "", POOL, &[x])?;
            }
            x = fire(graph, &format!("fire{i}"), (squeeze, expand), x)?;
        }
        Ok(x)
    }

    fn pool(&self, graph: &mut Builder, features: Value) -> Result<Value, String> {
        global_pool(graph, features)
    }

    /// As in `squeezenet_weights_tf_dim_ordering_tf_kernels.h5` of keras-squeezenet.
    fn kerass_parts(&self) -> &'static [(&'static str, &'static str)] {
        &[(".squeeze.", ".squeeze1x1.")]
    }

    fn is_timms(&self) -> bool {
        false
    }

    fn classifier(&self) -> &'static str {
        "conv10"
    }

    /// `dropout`, `conv10`, `global_average_pooling`.
    fn top(&self, graph: &mut Builder, features: Value, classes: usize) -> Result<Value, String> {
        let x = graph.push("dropout", "", Dropout { rate: 0.5 }, &[features])?;
        let convolution = Convolution::new(classes, 1);
        let x = graph.push_activated("conv10", "", convolution, Function::RELU, x)?;
        graph.push(
            "global_average_pooling",
            "",
            GlobalPool { keep: false },
            &[x],
        )
    }

    /// torchvision counts the members of its `features` sequence (`torchvision/models/squeezenet.py`).
    fn aliases(&self) -> Vec<Alias> {
        let fires = [3, 4, 6, 7, 9, 10, 11, 12].into_iter().zip(2..);
        let fires = fires.map(|(n, fire)| Alias::feature(format!("fire{fire}"), n));
        let mut aliases = vec![Alias::feature("conv1".into(), 0)];
        aliases.extend(fires);
        aliases.push(Alias::top("conv10", "classifier.1", "classifier.1"));
        aliases
    }
}
