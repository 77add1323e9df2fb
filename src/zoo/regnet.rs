//! RegNetY (Radosavovic et al., 2020), as timm has it.

use super::{Alias, Family, depth};
use crate::graph::initial::or_usual;
use crate::graph::op::{Activation, Add, BatchNorm, Convolution, Function, GlobalPool, Multiply};
use crate::graph::{Builder, Distribution, Fans, Initializer, Value};
use crate::ops;

const BATCH_NORM: BatchNorm = BatchNorm::pytorch(1e-5);
const SIGMOID: Function = Function::Of(ops::Function::Sigmoid);

/// Channels of the stem.
const STEM: usize = 32;

/// One of its sizes.
pub struct Regnet {
    /// Blocks and channels of each stage.
    pub stages: [(usize, usize); 4],
    /// Channels of a group of the 3×3 convolutions.
    pub group: usize,
}

/// A convolution `part` with its batch norm.
fn convolution(
    graph: &mut Builder,
    (module, part): (&str, &str),
    convolution: Convolution,
    x: Value,
) -> Result<Value, String> {
    let name = |of: &str| format!("{part}{}{of}", if part.is_empty() { "" } else { "." });
    let x = graph.push(module, &name("conv"), convolution, &[x])?;
    graph.push(module, &name("bn"), BATCH_NORM, &[x])
}

fn relu(graph: &mut Builder, (module, part): (&str, &str), x: Value) -> Result<Value, String> {
    let function = Function::RELU;
    graph.push(module, part, Activation { function }, &[x])
}

impl Regnet {
    fn block(
        &self,
        graph: &mut Builder,
        module: &str,
        (channels, stride, depth): (usize, usize, f64),
        input: Value,
    ) -> Result<Value, String> {
        let before = graph.shape(input).channels();
        let mut x = convolution(
            graph,
            (module, "conv1"),
            Convolution::padded(channels, 1, 1),
            input,
        )?;
        x = relu(graph, (module, "conv1.act"), x)?;
        let grouped = Convolution {
            groups: channels / self.group,
            ..Convolution::padded(channels, 3, stride)
        };
        x = convolution(graph, (module, "conv2"), grouped, x)?;
        x = relu(graph, (module, "conv2.act"), x)?;
        let squeezed = (before as f64 * 0.25).round_ties_even() as usize;
        let mut g = graph.push(module, "se.pool", GlobalPool { keep: true }, &[x])?;
        let reduce = Convolution::new(squeezed, 1);
        g = graph.push_activated(module, "se.fc1", reduce, Function::RELU, g)?;
        g = graph.push_activated(module, "se.fc2", Convolution::new(channels, 1), SIGMOID, g)?;
        x = graph.push(module, "se.multiply", Multiply, &[x, g])?;
        x = convolution(
            graph,
            (module, "conv3"),
            Convolution::padded(channels, 1, 1),
            x,
        )?;
        graph.start_at_zero(x);
        let mut shortcut = input;
        if stride != 1 || before != channels {
            let projection = Convolution::padded(channels, 1, stride);
            shortcut = convolution(graph, (module, "downsample"), projection, input)?;
        }
        x = graph.push_drop_path(module, "drop_path", depth, x)?;
        x = graph.push(module, "add", Add, &[x, shortcut])?;
        relu(graph, (module, "act3"), x)
    }
}

impl Family for Regnet {
    /// `stem`, `s1.b1` … `s4.bN`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let mut x = convolution(graph, ("stem", ""), Convolution::padded(STEM, 3, 2), images)?;
        x = relu(graph, ("stem", "act"), x)?;
        let count = self.stages.iter().map(|(blocks, _)| blocks).sum();
        let mut n = 0..;
        for (stage, (blocks, channels)) in (1..).zip(self.stages) {
            for block in 1..=blocks {
                let stride = if block == 1 { 2 } else { 1 };
                let module = format!("s{stage}.b{block}");
                let depth = depth(n.next().unwrap_or(0), count);
                x = self.block(graph, &module, (channels, stride, depth), x)?;
            }
        }
        Ok(x)
    }

    /// timm's `_init_weights` of RegNet.
    fn initializer(&self) -> Option<Initializer> {
        Some(|role, fans| {
            let kernel = match fans.dense {
                true => Distribution::Normal(0.01),
                false => Fans::he(fans.outputs / fans.groups),
            };
            or_usual(role, kernel)
        })
    }

    fn classifier(&self) -> &'static str {
        "head.fc"
    }

    fn aliases(&self) -> Vec<Alias> {
        vec![Alias::timm("head")]
    }
}
