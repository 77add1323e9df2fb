//! EfficientNet (Tan and Le, 2019) and what it grew from: MobileNetV2 (Sandler et al., 2018) and V3 (Howard et al.,
//! 2019), as timm has them (`timm/models/efficientnet.py`, `mobilenetv3.py`).

use super::{Alias, Family, global_pool};
use crate::graph::initial::or_usual;
use crate::graph::op::{Add, BatchNorm, Convolution, Flatten, Function, GlobalPool, Multiply};
use crate::graph::{Builder, Distribution, Fans, Initializer, Value};
use crate::ops::{self, Padding};

const RELU6: Function = Function::Of(ops::Function::Relu6);
const SILU: Function = Function::Of(ops::Function::Silu);
const HARD_SWISH: Function = Function::Of(ops::Function::HardSwish);
const SIGMOID: Function = Function::Of(ops::Function::Sigmoid);
const HARD_SIGMOID: Function = Function::Of(ops::Function::HardSigmoid);

/// Blocks of the same kind one after another.
#[derive(Clone, Copy)]
pub struct Blocks {
    repeats: usize,
    /// Side of the depthwise kernel.
    kernel: usize,
    /// Of the first.
    stride: usize,
    /// How much wider the middle is than the input; 1 where the depthwise convolution comes first.
    expansion: f64,
    channels: usize,
    /// Whether there is a gate.
    gate: bool,
    /// Whether ReLU stands in for the network's function.
    relu: bool,
}

const fn blocks(
    (repeats, kernel, stride): (usize, usize, usize),
    expansion: f64,
    channels: usize,
) -> Blocks {
    Blocks {
        repeats,
        kernel,
        stride,
        expansion,
        channels,
        gate: false,
        relu: false,
    }
}

impl Blocks {
    const fn gated(self) -> Self {
        Blocks { gate: true, ..self }
    }

    const fn relu(self) -> Self {
        Blocks { relu: true, ..self }
    }
}

/// What follows the blocks.
pub enum End {
    /// A 1×1 convolution of so many filters with batch norm, then the pooling.
    Convolution(usize),
    /// A 1×1 convolution with batch norm as one more stage; behind the pooling, one with a bias.
    Pooled(usize, usize),
}

/// One of these networks.
pub struct Efficientnet {
    pub stem: usize,
    pub stages: &'static [&'static [Blocks]],
    pub end: End,
    /// Factors of channels and repeats; what they leave as it is.
    pub width: f64,
    pub depth: f64,
    /// Whether the stem, the last convolution and the repeats of the first and the last stage are not scaled.
    pub fixed_ends: bool,
    pub function: Function,
    /// TensorFlow's padding, and its epsilon of batch norms.
    pub tensorflow: bool,
}

/// MobileNetV2.
pub const MOBILENET_V2: Efficientnet = Efficientnet {
    stem: 32,
    stages: &[
        &[blocks((1, 3, 1), 1.0, 16)],
        &[blocks((2, 3, 2), 6.0, 24)],
        &[blocks((3, 3, 2), 6.0, 32)],
        &[blocks((4, 3, 2), 6.0, 64)],
        &[blocks((3, 3, 1), 6.0, 96)],
        &[blocks((3, 3, 2), 6.0, 160)],
        &[blocks((1, 3, 1), 6.0, 320)],
    ],
    end: End::Convolution(1280),
    width: 1.0,
    depth: 1.0,
    fixed_ends: false,
    function: RELU6,
    tensorflow: false,
};

/// MobileNetV3, large.
pub const MOBILENET_V3_LARGE: Efficientnet = Efficientnet {
    stem: 16,
    stages: &[
        &[blocks((1, 3, 1), 1.0, 16).relu()],
        &[
            blocks((1, 3, 2), 4.0, 24).relu(),
            blocks((1, 3, 1), 3.0, 24).relu(),
        ],
        &[blocks((3, 5, 2), 3.0, 40).gated().relu()],
        &[
            blocks((1, 3, 2), 6.0, 80),
            blocks((1, 3, 1), 2.5, 80),
            blocks((2, 3, 1), 2.3, 80),
        ],
        &[blocks((2, 3, 1), 6.0, 112).gated()],
        &[blocks((3, 5, 2), 6.0, 160).gated()],
    ],
    end: End::Pooled(960, 1280),
    function: HARD_SWISH,
    ..MOBILENET_V2
};

/// MobileNetV3, small.
pub const MOBILENET_V3_SMALL: Efficientnet = Efficientnet {
    stem: 16,
    stages: &[
        &[blocks((1, 3, 2), 1.0, 16).gated().relu()],
        &[
            blocks((1, 3, 2), 4.5, 24).relu(),
            blocks((1, 3, 1), 3.67, 24).relu(),
        ],
        &[
            blocks((1, 5, 2), 4.0, 40).gated(),
            blocks((2, 5, 1), 6.0, 40).gated(),
        ],
        &[blocks((2, 5, 1), 3.0, 48).gated()],
        &[blocks((3, 5, 2), 6.0, 96).gated()],
    ],
    end: End::Pooled(576, 1024),
    function: HARD_SWISH,
    ..MOBILENET_V2
};

/// EfficientNet's blocks.
const B: &[&[Blocks]] = &[
    &[blocks((1, 3, 1), 1.0, 16).gated()],
    &[blocks((2, 3, 2), 6.0, 24).gated()],
    &[blocks((2, 5, 2), 6.0, 40).gated()],
    &[blocks((3, 3, 2), 6.0, 80).gated()],
    &[blocks((3, 5, 1), 6.0, 112).gated()],
    &[blocks((4, 5, 2), 6.0, 192).gated()],
    &[blocks((1, 3, 1), 6.0, 320).gated()],
];

/// Those without gates.
const LITE: &[&[Blocks]] = &[
    &[blocks((1, 3, 1), 1.0, 16)],
    &[blocks((2, 3, 2), 6.0, 24)],
    &[blocks((2, 5, 2), 6.0, 40)],
    &[blocks((3, 3, 2), 6.0, 80)],
    &[blocks((3, 5, 1), 6.0, 112)],
    &[blocks((4, 5, 2), 6.0, 192)],
    &[blocks((1, 3, 1), 6.0, 320)],
];

impl Efficientnet {
    /// EfficientNet of these factors of channels and repeats.
    pub const fn b(width: f64, depth: f64) -> Self {
        Efficientnet {
            stages: B,
            width,
            depth,
            function: SILU,
            ..MOBILENET_V2
        }
    }

    /// EfficientNet-Lite of these factors.
    pub const fn lite(width: f64, depth: f64) -> Self {
        Efficientnet {
            stages: LITE,
            width,
            depth,
            fixed_ends: true,
            tensorflow: true,
            ..MOBILENET_V2
        }
    }

    fn convolution(&self, filters: usize, size: usize, stride: usize) -> Convolution {
        let padded = Convolution::padded(filters, size, stride);
        match self.tensorflow {
            true => Convolution {
                padding: Padding::Same,
                ..padded
            },
            false => padded,
        }
    }

    fn batch_norm(&self) -> BatchNorm {
        BatchNorm::pytorch(if self.tensorflow { 1e-3 } else { 1e-5 })
    }

    /// Channels by the width, as they are where the ends are fixed.
    fn end_channels(&self, channels: usize) -> usize {
        match self.fixed_ends {
            true => channels,
            false => round_channels(channels as f64 * self.width),
        }
    }

    fn repeats(&self, stage: usize, repeats: usize) -> usize {
        let at_an_end = stage == 0 || stage + 1 == self.stages.len();
        match self.fixed_ends && at_an_end {
            true => repeats,
            false => (repeats as f64 * self.depth).ceil() as usize,
        }
    }

    /// Blocks of all stages.
    fn count(&self) -> usize {
        let stages = self.stages.iter().enumerate();
        let blocks = stages.flat_map(|(i, stage)| stage.iter().map(move |blocks| (i, blocks)));
        blocks
            .map(|(i, blocks)| self.repeats(i, blocks.repeats))
            .sum()
    }

    /// A batch norm with the function behind it.
    fn activated(
        &self,
        graph: &mut Builder,
        (module, part): (&str, &str),
        function: Function,
        x: Value,
    ) -> Result<Value, String> {
        graph.push_activated(module, part, self.batch_norm(), function, x)
    }

    /// Expansion, depthwise convolution, gate, projection; or without expansion.
    fn block(
        &self,
        graph: &mut Builder,
        (module, depth): (&str, f64),
        blocks: &Blocks,
        input: Value,
    ) -> Result<Value, String> {
        let channels = graph.shape(input).channels();
        let output = round_channels(blocks.channels as f64 * self.width);
        let function = if blocks.relu {
            Function::RELU
        } else {
            self.function
        };
        let expands = blocks.expansion > 1.0;
        let middle = match expands {
            true => round_channels(channels as f64 * blocks.expansion),
            false => channels,
        };
        let mut norms = ["bn1", "bn2", "bn3"].into_iter();
        let mut norm = || norms.next().unwrap_or("bn");
        let mut x = input;
        if expands {
            x = graph.push(module, "conv_pw", self.convolution(middle, 1, 1), &[x])?;
            x = self.activated(graph, (module, norm()), function, x)?;
        }
        let depthwise = Convolution {
            groups: middle,
            ..self.convolution(middle, blocks.kernel, blocks.stride)
        };
        x = graph.push(module, "conv_dw", depthwise, &[x])?;
        x = self.activated(graph, (module, norm()), function, x)?;
        if blocks.gate {
            x = self.gate(graph, module, channels, x)?;
        }
        let projection = if expands { "conv_pwl" } else { "conv_pw" };
        x = graph.push(module, projection, self.convolution(output, 1, 1), &[x])?;
        x = graph.push(module, norm(), self.batch_norm(), &[x])?;
        if graph.shape(x) == graph.shape(input) {
            x = graph.push_drop_path(module, "drop_path", depth, x)?;
            x = graph.push(module, "add", Add, &[x, input])?;
        }
        Ok(x)
    }

    /// Squeeze and excite: MobileNetV3's takes its width from the middle, EfficientNet's from the block's input.
    fn gate(
        &self,
        graph: &mut Builder,
        module: &str,
        input: usize,
        x: Value,
    ) -> Result<Value, String> {
        let channels = graph.shape(x).channels();
        let (squeezed, function, gate) = match self.end {
            End::Pooled(..) => (
                round_channels(channels as f64 * 0.25),
                Function::RELU,
                HARD_SIGMOID,
            ),
            End::Convolution(_) => (
                (input as f64 * 0.25).round_ties_even() as usize,
                self.function,
                SIGMOID,
            ),
        };
        let mut g = graph.push(module, "se.pool", GlobalPool { keep: true }, &[x])?;
        let reduce = Convolution::new(squeezed, 1);
        g = graph.push_activated(module, "se.conv_reduce", reduce, function, g)?;
        let expand = Convolution::new(channels, 1);
        g = graph.push_activated(module, "se.conv_expand", expand, gate, g)?;
        graph.push(module, "se.multiply", Multiply, &[x, g])
    }
}

/// The multiple of 8 near by, not below nine tenths (`make_divisible` of timm).
fn round_channels(channels: f64) -> usize {
    let rounded = ((channels as usize + 4) / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels {
        rounded + 8
    } else {
        rounded
    }
}

impl Family for Efficientnet {
    /// `conv_stem`, `bn1`, `blocks.0` … `blocks.6`, `conv_head`, `bn2`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let stem = self.convolution(self.end_channels(self.stem), 3, 2);
        let mut x = graph.push("conv_stem", "", stem, &[images])?;
        x = self.activated(graph, ("bn1", ""), self.function, x)?;
        let (mut before, count) = (0.., self.count() as f64);
        for (i, stage) in self.stages.iter().enumerate() {
            let module = format!("blocks.{i}");
            let mut n = 0..;
            for blocks in *stage {
                for repeat in 0..self.repeats(i, blocks.repeats) {
                    let stride = if repeat == 0 { blocks.stride } else { 1 };
                    let block = Blocks { stride, ..*blocks };
                    let module = format!("{module}.{}", n.next().unwrap_or(0));
                    // timm divides by the number of blocks, so that the last has not quite the whole rate.
                    let depth = f64::from(before.next().unwrap_or(0)) / count;
                    x = self.block(graph, (&module, depth), &block, x)?;
                }
            }
        }
        match self.end {
            End::Convolution(filters) => {
                let filters = self.end_channels(filters);
                x = graph.push("conv_head", "", self.convolution(filters, 1, 1), &[x])?;
                self.activated(graph, ("bn2", ""), self.function, x)
            }
            End::Pooled(filters, _) => {
                let module = format!("blocks.{}.0", self.stages.len());
                x = graph.push(&module, "conv", self.convolution(filters, 1, 1), &[x])?;
                self.activated(graph, (&module, "bn1"), self.function, x)
            }
        }
    }

    fn pool(&self, graph: &mut Builder, features: Value) -> Result<Value, String> {
        let End::Pooled(_, filters) = self.end else {
            return global_pool(graph, features);
        };
        let x = graph.push("global_pool", "", GlobalPool { keep: true }, &[features])?;
        let head = Convolution::new(filters, 1);
        let x = graph.push_activated("conv_head", "", head, self.function, x)?;
        graph.push("flatten", "", Flatten, &[x])
    }

    /// timm's `_init_weight_goog`, TensorFlow's own.
    fn initializer(&self) -> Option<Initializer> {
        Some(|role, fans| {
            let kernel = match fans.dense {
                true => Distribution::Uniform((1.0 / fans.outputs as f64).sqrt() as f32),
                false => Fans::he(fans.outputs / fans.groups),
            };
            or_usual(role, kernel)
        })
    }

    fn classifier(&self) -> &'static str {
        "classifier"
    }

    fn aliases(&self) -> Vec<Alias> {
        match self.end {
            End::Convolution(_) => vec![Alias::timm("classifier")],
            End::Pooled(..) => vec![Alias::timm("conv_head"), Alias::timm("classifier")],
        }
    }
}
