//! ConvNeXt (Liu et al., 2022), as timm has it.

use super::{Alias, Family, depth, global_pool};
use crate::graph::initial::or_usual;
use crate::graph::op::{Add, Convolution, Dense, Function, LayerNorm, LayerScale};
use crate::graph::{Builder, Distribution, Initializer, Value};
use crate::ops::{self, Padding};

const NORM: LayerNorm = LayerNorm { epsilon: 1e-6 };
const GELU: Function = Function::Of(ops::Function::Gelu);

/// One of its sizes.
pub struct Convnext {
    /// Blocks of each stage.
    pub blocks: [usize; 4],
    /// Channels of the first stage; each further one has twice as many.
    pub channels: usize,
}

/// A convolution whose windows do not overlap.
fn patches(filters: usize, size: usize) -> Convolution {
    Convolution {
        stride: size,
        ..Convolution::new(filters, size)
    }
}

/// Depthwise 7×7, norm, two layers for each position, layer scale; added to the input. `part` names it in its stage.
fn block(
    graph: &mut Builder,
    (module, part): (&str, &str),
    depth: f64,
    input: Value,
) -> Result<Value, String> {
    let channels = graph.shape(input).channels();
    let depthwise = Convolution {
        padding: Padding::Each(3),
        groups: channels,
        ..Convolution::new(channels, 7)
    };
    let name = |of: &str| format!("{part}.{of}");
    let mut x = graph.push(module, &name("conv_dw"), depthwise, &[input])?;
    x = graph.push(module, &name("norm"), NORM, &[x])?;
    x = graph.push_activated(module, &name("mlp.fc1"), Dense::each(4 * channels), GELU, x)?;
    x = graph.push(module, &name("mlp.fc2"), Dense::each(channels), &[x])?;
    x = graph.push(module, part, LayerScale { initial: 1 }, &[x])?;
    x = graph.push_drop_path(module, &name("drop_path"), depth, x)?;
    graph.push(module, &name("add"), Add, &[x, input])
}

impl Family for Convnext {
    /// `stem`, `stages.0` … `stages.3`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let mut x = graph.push("stem", "0", patches(self.channels, 4), &[images])?;
        x = graph.push("stem", "1", NORM, &[x])?;
        let (mut n, count) = (0.., self.blocks.iter().sum());
        for (stage, blocks) in self.blocks.into_iter().enumerate() {
            let module = format!("stages.{stage}");
            if stage > 0 {
                let down = patches(self.channels << stage, 2);
                x = graph.push(&module, "downsample.0", NORM, &[x])?;
                x = graph.push(&module, "downsample.1", down, &[x])?;
            }
            for i in 0..blocks {
                let depth = depth(n.next().unwrap_or(0), count);
                x = block(graph, (&module, &format!("blocks.{i}")), depth, x)?;
            }
        }
        Ok(x)
    }

    fn pool(&self, graph: &mut Builder, features: Value) -> Result<Value, String> {
        let x = global_pool(graph, features)?;
        graph.push("head.norm", "", NORM, &[x])
    }

    /// timm's: kernels truncated normal, where the truncation lies a hundred deviations away.
    fn initializer(&self) -> Option<Initializer> {
        Some(|role, _| or_usual(role, Distribution::Normal(0.02)))
    }

    fn classifier(&self) -> &'static str {
        "head.fc"
    }

    fn aliases(&self) -> Vec<Alias> {
        vec![Alias::timm("head")]
    }
}
