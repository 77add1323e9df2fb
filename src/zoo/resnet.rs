//! ResNet (He et al., 2015), ResNeXt (Xie et al., 2016) and wide ResNet (Zagoruyko and Komodakis, 2016), with the stride in
//! the 3×3 convolution, as timm and torchvision have them.

use super::{Family, STEM_POOL, depth};
use crate::graph::initial::or_usual;
use crate::graph::op::{Activation, Add, BatchNorm, Convolution, Function};
use crate::graph::{Builder, Fans, Initializer, Role, Value};

const BATCH_NORM: BatchNorm = BatchNorm::pytorch(1e-5);

/// Channels of the four layers, before a bottleneck widens them.
const CHANNELS: [usize; 4] = [64, 128, 256, 512];

/// How much wider a bottleneck's output is than its middle.
const EXPANSION: usize = 4;

/// One of its depths and widths.
pub struct Resnet {
    /// Blocks of each layer.
    pub blocks: [usize; 4],
    /// Whether a block is 1×1, 3×3, 1×1 rather than two 3×3.
    pub bottleneck: bool,
    /// Of a bottleneck's 3×3 convolution.
    pub groups: usize,
    /// Channels of each of its groups where the layer has 64: timm's `base_width`.
    pub width: usize,
}

/// A part of a block: a convolution with its batch norm, number `n`.
fn convolution(
    graph: &mut Builder,
    (module, n): (&str, usize),
    convolution: Convolution,
    x: Value,
) -> Result<Value, String> {
    let x = graph.push(module, &format!("conv{n}"), convolution, &[x])?;
    graph.push(module, &format!("bn{n}"), BATCH_NORM, &[x])
}

fn relu(graph: &mut Builder, (module, n): (&str, usize), x: Value) -> Result<Value, String> {
    let function = Function::RELU;
    graph.push(module, &format!("act{n}"), Activation { function }, &[x])
}

impl Resnet {
    fn block(
        &self,
        graph: &mut Builder,
        module: &str,
        (channels, stride, depth): (usize, usize, f64),
        input: Value,
    ) -> Result<Value, String> {
        // Side of the kernel, stride and groups of each convolution.
        let (parts, output) = if self.bottleneck {
            let parts = vec![(1, 1, 1), (3, stride, self.groups), (1, 1, 1)];
            (parts, channels * EXPANSION)
        } else {
            (vec![(3, stride, 1), (3, 1, 1)], channels)
        };
        let middle = channels * self.width / CHANNELS[0] * self.groups;
        let mut x = input;
        for (n, (size, stride, groups)) in (1..).zip(&parts) {
            let filters = if n == parts.len() { output } else { middle };
            let part = Convolution {
                groups: *groups,
                ..Convolution::padded(filters, *size, *stride)
            };
            x = convolution(graph, (module, n), part, x)?;
            if n < parts.len() {
                x = relu(graph, (module, n), x)?;
            } else {
                graph.start_at_zero(x);
            }
        }
        let mut shortcut = input;
        if stride != 1 || graph.shape(input).channels() != output {
            let projection = Convolution::padded(output, 1, stride);
            shortcut = graph.push(module, "downsample.0", projection, &[input])?;
            shortcut = graph.push(module, "downsample.1", BATCH_NORM, &[shortcut])?;
        }
        x = graph.push_drop_path(module, "drop_path", depth, x)?;
        x = graph.push(module, "add", Add, &[x, shortcut])?;
        relu(graph, (module, parts.len()), x)
    }
}

impl Family for Resnet {
    /// `conv1`, `bn1`, `act1`, `maxpool`, `layer1.0` … `layer4.N`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let mut x = graph.push("conv1", "", Convolution::padded(64, 7, 2), &[images])?;
        x = graph.push("bn1", "", BATCH_NORM, &[x])?;
        let function = Function::RELU;
        x = graph.push("act1", "", Activation { function }, &[x])?;
        x = graph.push("maxpool", "", STEM_POOL, &[x])?;
        let (mut n, count) = (0.., self.blocks.iter().sum());
        for (layer, (blocks, channels)) in (1..).zip(self.blocks.into_iter().zip(CHANNELS)) {
            for block in 0..blocks {
                let stride = if layer > 1 && block == 0 { 2 } else { 1 };
                let module = format!("layer{layer}.{block}");
                let depth = depth(n.next().unwrap_or(0), count);
                x = self.block(graph, &module, (channels, stride, depth), x)?;
            }
        }
        Ok(x)
    }

    /// timm's `ResNet.init_weights`; the classifier is left as PyTorch makes it.
    fn initializer(&self) -> Option<Initializer> {
        Some(|role, fans| match (fans.dense, role) {
            (true, Role::Kernel { .. } | Role::Bias) => fans.pytorch(),
            _ => or_usual(role, Fans::he(fans.outputs)),
        })
    }

    fn classifier(&self) -> &'static str {
        "fc"
    }
}
