//! Attention roll-out: S. Abnar, W. Zuidema, "Quantifying Attention Flow in Transformers" (2020).

use candle_core::{Device, Result, Tensor};

use super::heat::Heat;
use super::method::Method;
use crate::graph::{Graph, Op, Shape};
use crate::model::Network;
use crate::ops;

/// What the class token has of each patch after all blocks, if tokens were mixed by attention and kept by the residual
/// connections alone.
struct RollOut {
    /// The nodes that give queries, keys and values, with the heads of each; in the order of the blocks.
    blocks: Vec<(usize, usize)>,
    /// Of patches.
    grid: [usize; 2],
    place: String,
}

/// Attention roll-out, where tokens of a grid of patches go behind a class token through blocks of attention, and the
/// class token alone to the head.
///
/// # Errors
/// Why that is not so.
pub(super) fn of(graph: &Graph) -> std::result::Result<Box<dyn Method>, String> {
    let nodes = graph.nodes();
    let embeds: Vec<_> = nodes
        .iter()
        .filter(|n| matches!(n.op, Op::Embed(_)))
        .collect();
    let blocks: Vec<(usize, usize)> = nodes
        .iter()
        .filter_map(|node| match (&node.op, node.inputs.as_slice()) {
            (Op::Attention(op), &[input]) => Some((input, op.heads)),
            _ => None,
        })
        .collect();
    let ([embed], [_, ..]) = (embeds.as_slice(), blocks.as_slice()) else {
        return Err(
            "attention roll-out needs a transformer, and this network has no attention".into(),
        );
    };
    let takes_tokens = nodes.iter().filter(|node| {
        let is_tokens = |shape: &Shape| matches!(shape, Shape::Tokens { .. });
        graph.inputs(node).iter().any(is_tokens) && !is_tokens(&node.output)
    });
    let mut to_head = takes_tokens.map(|node| &node.op);
    if !matches!(
        (to_head.next(), to_head.next()),
        (Some(Op::ClassToken(_)), None)
    ) {
        return Err(
            "attention roll-out shows what the class token has of the patches, and this network's head takes all tokens; \
             a head that begins with layer = \"pool\" takes the class token"
                .into(),
        );
    }
    match graph.inputs(embed).as_slice() {
        &[Shape::Map { height, width, .. }] if height * width > 0 => Ok(Box::new(RollOut {
            place: format!("{} blocks ({height}×{width})", blocks.len()),
            blocks,
            grid: [height, width],
        })),
        _ => Err("attention roll-out needs tokens of a grid of patches".into()),
    }
}

impl Method for RollOut {
    fn name(&self) -> &'static str {
        "attention roll-out"
    }

    fn place(&self) -> &str {
        &self.place
    }

    fn is_of_class(&self) -> bool {
        false
    }

    /// The class token's row of the product, the last block first, of each block's `(A + 1) / 2`: A is the mean over the
    /// heads, and the rows are divided by their sums.
    fn heat(&self, network: &Network, image: &Tensor, _: usize) -> Result<Heat> {
        let nodes: Vec<usize> = self.blocks.iter().map(|(node, _)| *node).collect();
        let mut row: Vec<f64> = Vec::new();
        let values = network.values(image, &nodes)?;
        for (qkv, (_, heads)) in values.iter().zip(&self.blocks).rev() {
            let weights = ops::attention_weights(&qkv.to_device(&Device::Cpu)?, *heads)?.get(0)?;
            let weights = weights.to_vec2::<f32>()?;
            if row.is_empty() {
                row = vec![0.0; weights.len()];
                row[0] = 1.0;
            }
            let mut next = vec![0.0; row.len()];
            for (token, (share, weights)) in row.iter().zip(&weights).enumerate() {
                let sum: f64 = 1.0 + weights.iter().map(|w| f64::from(*w)).sum::<f64>();
                for (other, weight) in weights.iter().enumerate() {
                    let kept = if other == token { 1.0 } else { 0.0 };
                    next[other] += share * (f64::from(*weight) + kept) / sum;
                }
            }
            row = next;
        }
        let [height, width] = self.grid;
        let patches = row.iter().skip(1).map(|share| *share as f32);
        Ok(Heat {
            height,
            width,
            values: patches.collect(),
        })
    }
}
