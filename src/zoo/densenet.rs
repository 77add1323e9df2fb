//! DenseNet (Huang et al., 2016): every layer takes what all before it in its block gave.

use super::{Family, STEM_POOL};
use crate::graph::initial::or_usual;
use crate::graph::op::{AveragePool, BatchNorm, Concatenate, Convolution, Function};
use crate::graph::{Builder, Fans, Initializer, Value};
use crate::ops::Pool2dConfig;

const BATCH_NORM: BatchNorm = BatchNorm::pytorch(1e-5);

const HALVE: AveragePool = AveragePool(Pool2dConfig {
    kernel: 2,
    stride: 2,
    padding: 0,
    ceil_mode: false,
});

/// Channels of the stem.
const STEM: usize = 64;

/// Channels that each layer adds.
const GROWTH: usize = 32;

/// How many times as many channels a layer has between its convolutions.
const BOTTLENECK: usize = 4;

/// One of its depths.
pub struct Densenet {
    /// Layers of each block.
    pub layers: [usize; 4],
}

fn norm(graph: &mut Builder, (module, part): (&str, &str), x: Value) -> Result<Value, String> {
    graph.push_activated(module, part, BATCH_NORM, Function::RELU, x)
}

/// Channels added to `x`.
fn layer(graph: &mut Builder, module: &str, x: Value) -> Result<Value, String> {
    let wide = Convolution::padded(BOTTLENECK * GROWTH, 1, 1);
    let mut y = norm(graph, (module, "norm1"), x)?;
    y = graph.push(module, "conv1", wide, &[y])?;
    y = norm(graph, (module, "norm2"), y)?;
    y = graph.push(module, "conv2", Convolution::padded(GROWTH, 3, 1), &[y])?;
    graph.push(module, "concatenate", Concatenate, &[x, y])
}

/// Half the channels, half the side.
fn transition(graph: &mut Builder, module: &str, x: Value) -> Result<Value, String> {
    let half = Convolution::padded(graph.shape(x).channels() / 2, 1, 1);
    let mut y = norm(graph, (module, "norm"), x)?;
    y = graph.push(module, "conv", half, &[y])?;
    graph.push(module, "pool", HALVE, &[y])
}

impl Family for Densenet {
    /// `features.conv0` … `features.pool0`, `features.denseblock1.denselayer1` …, `features.transition1` …,
    /// `features.norm5`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let stem = Convolution::padded(STEM, 7, 2);
        let mut x = graph.push("features.conv0", "", stem, &[images])?;
        x = norm(graph, ("features.norm0", ""), x)?;
        x = graph.push("features.pool0", "", STEM_POOL, &[x])?;
        for (block, layers) in (1..).zip(self.layers) {
            for n in 1..=layers {
                x = layer(
                    graph,
                    &format!("features.denseblock{block}.denselayer{n}"),
                    x,
                )?;
            }
            if block < self.layers.len() {
                x = transition(graph, &format!("features.transition{block}"), x)?;
            }
        }
        norm(graph, ("features.norm5", ""), x)
    }

    /// timm's, which are those of PyTorch's `torchvision.models.densenet`.
    fn initializer(&self) -> Option<Initializer> {
        Some(|role, fans| {
            let kernel = match fans.dense {
                true => fans.pytorch(),
                false => Fans::he(fans.inputs),
            };
            or_usual(role, kernel)
        })
    }

    fn classifier(&self) -> &'static str {
        "classifier"
    }
}
