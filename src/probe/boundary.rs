//! Where a backbone can be cut for probes.

use crate::graph::{Graph, Node, Op, Shape};
use crate::model::Blueprint;

/// A place up to which a backbone can be frozen, and what the rest takes from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// As `freeze.through` takes it.
    pub name: String,
    /// How many nodes are frozen, the images not counted.
    pub layers: usize,
    /// The nodes whose values the rest takes, in the graph's order.
    pub nodes: Vec<usize>,
    /// How many numbers are kept of an image.
    pub dimensions: usize,
}

/// The ends of a backbone's modules, from shallow to deep. Those at which nothing new is computed of the pooled values, as
/// between a convolution and its normalization, are left out.
pub fn boundaries(blueprint: &Blueprint) -> Vec<Boundary> {
    let (graph, consumers) = (&blueprint.graph, blueprint.graph.consumers());
    let is_of_backbone = |last: &usize| *last < blueprint.backbone;
    let ends = graph.modules().into_iter();
    let ends = ends.filter_map(|module| module.nodes.last().copied());
    let ends = ends.filter(is_of_backbone);
    let ends = ends.filter(|last| is_end(graph, &consumers, *last));
    ends.map(|last| boundary(graph, &consumers, last)).collect()
}

/// Whether a module that ends with this node is worth a look.
fn is_end(graph: &Graph, consumers: &[Vec<usize>], last: usize) -> bool {
    let op = |node: usize| graph.nodes().get(node).map(|node| &node.op);
    if matches!(
        op(last),
        Some(Op::GlobalPool(_) | Op::Flatten(_) | Op::Dropout(_)) | None
    ) {
        return false;
    }
    // What follows is a part of the same layer in all but name.
    match consumers.get(last).map(Vec::as_slice) {
        Some(&[only]) => !matches!(op(only), Some(Op::BatchNorm(_) | Op::Activation(_))),
        _ => true,
    }
}

fn boundary(graph: &Graph, consumers: &[Vec<usize>], last: usize) -> Boundary {
    let is_taken = |node: &usize| consumers[*node].iter().any(|consumer| *consumer > last);
    let nodes: Vec<usize> = (0..=last).filter(is_taken).collect();
    let pooled = nodes.iter().filter_map(|node| graph.nodes().get(*node));
    Boundary {
        name: graph.through(last).to_owned(),
        layers: last,
        dimensions: pooled.map(numbers).sum(),
        nodes,
    }
}

/// How many numbers are kept of a node's value: its channels' means, and of tokens the first one too.
pub(super) fn numbers(node: &Node) -> usize {
    match node.output {
        Shape::Tokens { channels, .. } => 2 * channels,
        Shape::Map { channels, .. } => channels,
        Shape::Vector { len, .. } => len,
    }
}
