//! How many images a part of a network is best carried through at a time on a CPU.

use std::ops::Range;

use super::fusion::{absorbed, joined};
use super::node::Graph;

/// Bytes of one value.
const F32: usize = 4;

/// Bytes of a node's inputs and output together that stay near a processor.
pub const NEAR: u64 = 32 << 20;

/// Neighbouring nodes that are computed with as many images at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which of the nodes asked about.
    pub nodes: Range<usize>,
    /// How many images at a time, at least 1.
    pub images: usize,
    /// The nodes before, or given, whose values these and later ones take, or that are wanted.
    pub taken: Vec<usize>,
}

/// How many images a forward pass on a CPU is best done with, at least 1: the values of the widest of `nodes` stay near
/// the processor.
pub fn images_at_once(graph: &Graph, nodes: &[usize]) -> usize {
    nodes
        .iter()
        .map(|node| near(graph, *node))
        .min()
        .unwrap_or(NEAR as usize / F32)
}

/// So many images' inputs and outputs of a node stay near the processor; at least 1.
fn near(graph: &Graph, node: usize) -> usize {
    let Some(node) = graph.nodes().get(node) else {
        return usize::MAX;
    };
    let inputs = graph.inputs(node);
    let values = inputs.iter().map(|shape| shape.elements()).sum::<usize>();
    let bytes = F32 * (values + node.output.elements());
    (NEAR as usize / bytes.max(1)).max(1)
}

/// Nodes in the graph's order, divided into pieces that are carried through one after another: each has at least twice as
/// many images at a time as the one before it, and the last has at most `most`. Maps get smaller towards the end of a
/// network and kernels larger: with many images at a time these are laid out, and read, less often.
///
/// Of nodes that are computed together none are divided; nor are they where more would be handed on than stays near.
pub fn pieces(graph: &Graph, nodes: &[usize], wanted: &[usize], most: usize) -> Vec<Piece> {
    let (joined, absorbed) = (joined(graph), absorbed(graph));
    let is_joined = |node: usize| joined[node] || absorbed[node];
    // Of each node the fewest images that it or one behind it is best done with.
    let mut behind = vec![usize::MAX; nodes.len()];
    let mut least = usize::MAX;
    for (behind, node) in behind.iter_mut().zip(nodes).rev() {
        least = least.min(near(graph, *node));
        *behind = least;
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let images = behind[at].min(most);
        let taken = || taken(graph, nodes, at, wanted);
        let piece = match pieces.last() {
            None => Some(taken()),
            Some(before) if images >= 2 * before.images && !is_joined(*node) => {
                let taken = taken();
                let bytes: usize = taken.iter().map(|node| bytes(graph, *node)).sum();
                (images.saturating_mul(bytes) as u64 <= NEAR).then_some(taken)
            }
            Some(_) => None,
        };
        if let Some(taken) = piece {
            pieces.push(Piece {
                nodes: at..at,
                images,
                taken,
            });
        }
        if let Some(piece) = pieces.last_mut() {
            piece.nodes.end = at + 1;
        }
    }
    pieces
}

/// The nodes before `nodes[at]`, or given, that it and those behind it take, or that are wanted; in their order.
fn taken(graph: &Graph, nodes: &[usize], at: usize, wanted: &[usize]) -> Vec<usize> {
    let (before, behind) = nodes.split_at(at);
    let inputs = behind
        .iter()
        .filter_map(|node| graph.nodes().get(*node))
        .flat_map(|node| node.inputs.iter().copied());
    let is_later = |node: &usize| behind.binary_search(node).is_ok();
    let wanted = wanted.iter().copied();
    let mut taken: Vec<usize> = inputs
        .chain(wanted)
        .filter(|node| !is_later(node))
        .collect();
    taken.sort_unstable();
    taken.dedup();
    debug_assert!(before.is_sorted());
    taken
}

/// Bytes of an image's value.
fn bytes(graph: &Graph, node: usize) -> usize {
    let node = graph.nodes().get(node);
    node.map_or(0, |node| F32 * node.output.elements())
}

/// Bytes of the values that are handed on between pieces, at most at a time, when so many images are carried through.
pub fn between(graph: &Graph, pieces: &[Piece], images: usize) -> u64 {
    let of = |piece: &Piece| {
        let taken: usize = piece.taken.iter().map(|node| bytes(graph, *node)).sum();
        taken.saturating_mul(piece.images.min(images)) as u64
    };
    pieces.iter().skip(1).map(of).fold(0, u64::saturating_add)
}
