//! Vision transformers (Dosovitskiy et al., 2020), DeiT (Touvron et al., 2020) and DINOv2 (Oquab et al., 2023), as timm
//! has them.

use super::{Family, depth};
use crate::graph::initial::or_usual;
use crate::graph::op::{
    Add, Attention, ClassToken, Convolution, Dense, Embed, Function, LayerNorm, LayerScale, Op,
};
use crate::graph::{Builder, Distribution, Initializer, Role, Value};
use crate::ops;

const NORM: LayerNorm = LayerNorm { epsilon: 1e-6 };
const GELU: Function = Function::Of(ops::Function::Gelu);

/// Blocks of every size up to base.
const BLOCKS: usize = 12;

/// Channels of a head.
const HEAD: usize = 64;

/// One of its sizes.
pub struct Vit {
    /// Side of a patch, in pixels.
    pub patch: usize,
    /// Of a token.
    pub channels: usize,
    /// Whether what a block adds is scaled first.
    pub layer_scale: bool,
}

impl Vit {
    /// What a block adds to its input, scaled where it is.
    fn residual(
        &self,
        graph: &mut Builder,
        (module, n, depth): (&str, usize, f64),
        x: Value,
        input: Value,
    ) -> Result<Value, String> {
        let x = match self.layer_scale {
            true => graph.push(module, &format!("ls{n}"), LayerScale { initial: 10 }, &[x])?,
            false => x,
        };
        let x = graph.push_drop_path(module, &format!("drop_path{n}"), depth, x)?;
        graph.push(module, &format!("add{n}"), Add, &[x, input])
    }

    fn block(
        &self,
        graph: &mut Builder,
        (module, depth): (&str, f64),
        input: Value,
    ) -> Result<Value, String> {
        let c = self.channels;
        let mut push = |part: &str, op: Op, x: Value| graph.push(module, part, op, &[x]);
        let mut x = push("norm1", NORM.into(), input)?;
        x = push("attn.qkv", Dense::each(3 * c).into(), x)?;
        x = push("attn", Attention { heads: c / HEAD }.into(), x)?;
        x = push("attn.proj", Dense::each(c).into(), x)?;
        let middle = self.residual(graph, (module, 1, depth), x, input)?;
        let mut x = graph.push(module, "norm2", NORM, &[middle])?;
        x = graph.push_activated(module, "mlp.fc1", Dense::each(4 * c), GELU, x)?;
        x = graph.push(module, "mlp.fc2", Dense::each(c), &[x])?;
        self.residual(graph, (module, 2, depth), x, middle)
    }
}

impl Family for Vit {
    /// `patch_embed` (with the class token and the positions), `blocks.0` … `blocks.11`, `norm`.
    fn backbone(&self, graph: &mut Builder, images: Value) -> Result<Value, String> {
        let patches = Convolution {
            stride: self.patch,
            ..Convolution::new(self.channels, self.patch)
        };
        let mut x = graph.push("patch_embed", "proj", patches, &[images])?;
        x = graph.push("patch_embed", "tokens", Embed, &[x])?;
        for i in 0..BLOCKS {
            x = self.block(graph, (&format!("blocks.{i}"), depth(i, BLOCKS)), x)?;
        }
        graph.push("norm", "", NORM, &[x])
    }

    fn pool(&self, graph: &mut Builder, features: Value) -> Result<Value, String> {
        graph.push("class_token", "", ClassToken, &[features])
    }

    /// timm's `init_weights_vit_timm`: dense kernels truncated normal, where the truncation lies a hundred deviations away;
    /// the patches' convolution as PyTorch makes it.
    fn initializer(&self) -> Option<Initializer> {
        Some(|role, fans| match (fans.dense, role) {
            (false, Role::Kernel { .. } | Role::Bias) => fans.pytorch(),
            _ => or_usual(role, Distribution::Normal(0.02)),
        })
    }

    fn classifier(&self) -> &'static str {
        "head"
    }
}
