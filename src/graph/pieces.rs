//! How many images a part of a network is best carried through at a time on a CPU.

use std::ops::Range;

use super::cost::alive;
use super::cut::Cut;
use super::fusion::{absorbed, banded, joined};
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
    let (joined, absorbed, banded) = (joined(graph), absorbed(graph), banded(graph));
    let is_joined = |node: usize| joined[node] || absorbed[node] || banded[node];
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
    let behind = &nodes[at..];
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
    taken
}

/// Bytes of an image's value.
fn bytes(graph: &Graph, node: usize) -> usize {
    let node = graph.nodes().get(node);
    node.map_or(0, |node| F32 * node.output.elements())
}

/// The most bytes that values take at a time while images are carried through the constant part in these pieces: those of the
/// piece itself, what earlier images have left for later pieces, and all that goes in.
pub fn peak(graph: &Graph, cut: &Cut, nodes: &[usize], pieces: &[Piece]) -> u64 {
    let alive = alive(graph, cut);
    let taken =
        |piece: &Piece| -> usize { piece.taken.iter().map(|node| bytes(graph, *node)).sum() };
    let [Some(first), Some(last)] = [pieces.first(), pieces.last()] else {
        return 0;
    };
    // What each piece has of it is counted with the piece.
    let mut most = 0u64;
    let given = taken(first).saturating_mul(last.images - first.images) as u64;
    let mut left = 0u64;
    for at in (0..pieces.len()).rev() {
        let (piece, before) = (&pieces[at], at.checked_sub(1).map(|before| &pieces[before]));
        let own = &nodes[piece.nodes.clone()];
        let here = alive.iter().filter(|(node, _)| own.contains(node));
        let here = here.map(|(_, bytes)| *bytes).max().unwrap_or(0);
        let here = here.saturating_mul(piece.images as u64);
        // Put together from the parts that the piece before has given.
        let together = before.map_or(0, |_| taken(piece).saturating_mul(2 * piece.images) as u64);
        most = most.max(left.saturating_add(here.max(together)));
        // Those that are in the pieces before at the moment are not there yet.
        let waiting = piece.images - before.map_or(piece.images, |before| before.images);
        left = left.saturating_add(taken(piece).saturating_mul(waiting) as u64);
    }
    most.saturating_add(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Blueprint;
    use crate::spec::Spec;

    fn network(arch: &str, through: &str) -> Blueprint {
        let text = format!(
            "name = 'test'\n[dataset]\nname = 'cifar10'\n[backbone]\narch = '{arch}'\nweights = 'random'\n\
             input_size = 224\n[freeze]\nthrough = '{through}'\n[[head]]\nlayer = 'pool'\n\
             [[head]]\nlayer = 'dense'\nunits = 'classes'\nactivation = 'softmax'\n"
        );
        Blueprint::new(&toml::from_str::<Spec>(&text).unwrap(), 10).unwrap()
    }

    #[test]
    fn pieces_cover_the_nodes_with_ever_more_images_and_divide_nothing_computed_together() {
        for arch in ["vgg16", "resnet50", "efficientnet_b0", "densenet121"] {
            let network = network(arch, "all");
            let (graph, nodes) = (&network.graph, network.cut.constant());
            let pieces = pieces(graph, &nodes, network.cut.frontier(), 64);
            assert!(pieces.len() > 2, "{arch}: {pieces:?}");
            assert_eq!(pieces[0].nodes.start, 0);
            assert_eq!(pieces[pieces.len() - 1].nodes.end, nodes.len());
            let joined = joined(graph);
            for pair in pieces.windows(2) {
                assert_eq!(pair[0].nodes.end, pair[1].nodes.start);
                assert!(pair[1].images >= 2 * pair[0].images);
                assert!(!joined[nodes[pair[1].nodes.start]]);
            }
            assert!(pieces.iter().all(|piece| piece.images <= 64));
        }
    }

    #[test]
    fn wide_values_that_are_wanted_keep_the_pieces_small() {
        let network = network("vgg16", "all");
        let nodes = network.cut.constant();
        let last = |wanted: &[usize]| pieces(&network.graph, &nodes, wanted, 256).pop().unwrap();
        let (few, many) = (last(&nodes).images, last(network.cut.frontier()).images);
        assert_eq!(few, images_at_once(&network.graph, &nodes));
        assert!(many >= 16 * few, "{few} and {many}");
    }
}
