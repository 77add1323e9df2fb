//! What a run will take: operations and memory, counted from the graph.

use super::cut::{Cut, Stage};
use super::fusion::{absorbed, banded, joined};
use super::node::Graph;
use super::op::Op;
use super::parameter::Parameter;
use super::way_back::have_gradients;
use crate::ops::Passes;

/// Bytes of one value.
const F32: u64 = 4;

/// Bytes that so many threads of the CPU keep for themselves once they have computed `nodes` with so many samples, and those
/// that they share meanwhile.
pub fn scratch(
    graph: &Graph,
    nodes: &[usize],
    samples: usize,
    (passes, threads): (Passes, usize),
) -> [u64; 2] {
    let nodes = nodes.iter().filter_map(|i| graph.nodes().get(*i));
    let of_nodes = nodes.map(|node| {
        let inputs = graph.inputs(node);
        let scratch = node.op.scratch(samples, &inputs, passes);
        [scratch.of_threads(threads), scratch.of_all()]
    });
    of_nodes.fold([0; 2], |most, of| [most[0].max(of[0]), most[1].max(of[1])])
}

/// Operations and memory of a network, for one image or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of a forward pass, an image.
    pub forward: u64,
    /// Multiply-accumulates of a training step (forward, input and weight gradients), an image.
    pub training: u64,
    /// Bytes of all tensors.
    pub weights: u64,
    /// The most bytes that a copy of all tensors in a file's layouts takes while it is made.
    pub copy: u64,
    /// Bytes of the trained tensors, and so of their gradients.
    pub gradients: u64,
    /// As `copy`, of the trained tensors.
    pub copy_of_trained: u64,
    /// Bytes of what the optimizer remembers.
    pub slots: u64,
}

impl Cost {
    /// The cost of a network whose optimizer keeps `moments` values a weight.
    pub fn of(graph: &Graph, cut: &Cut, moments: usize) -> Cost {
        let mut cost = Cost::default();
        let has_gradient = have_gradients(graph, cut);
        for node in graph.nodes() {
            let of_inputs = node.inputs.iter().any(|input| has_gradient[*input]);
            for parameter in &node.parameters {
                cost.add_tensor(parameter, cut.trains(parameter), moments as u64);
            }
            let forward = graph.multiplications(node);
            // A kernel's gradient takes as many as its use; without weights, the products are of values, each with a
            // gradient.
            let mut trained = node.parameters.iter().filter(|p| cut.trains(p));
            let of_kernel = trained.any(|p| p.role.is_kernel());
            let products = of_kernel || node.parameters.is_empty() && of_inputs;
            let passes = 1 + u64::from(of_inputs) + u64::from(products);
            cost.forward = cost.forward.saturating_add(forward);
            cost.training = cost.training.saturating_add(forward.saturating_mul(passes));
        }
        cost
    }

    fn add_tensor(&mut self, parameter: &Parameter, trains: bool, moments: u64) {
        let bytes = F32.saturating_mul(parameter.elements() as u64);
        // Each is taken from the device, and then put into the file's layout.
        let copied = |before: u64| before.saturating_add(bytes.saturating_mul(2));
        self.copy = self.copy.max(copied(self.weights));
        self.weights = self.weights.saturating_add(bytes);
        if trains {
            self.copy_of_trained = self.copy_of_trained.max(copied(self.gradients));
            self.gradients = self.gradients.saturating_add(bytes);
            self.slots = self.slots.saturating_add(bytes.saturating_mul(moments));
        }
    }
}

/// Whether a node puts more behind what was put together before, as the layers of a dense block do.
fn is_lengthened(graph: &Graph, node: usize) -> bool {
    let joins = |i: &usize| {
        let node = graph.nodes().get(*i);
        node.is_some_and(|node| matches!(node.op, Op::Concatenate(_)))
    };
    let inputs = graph.nodes().get(node).map(|node| &node.inputs);
    joins(&node) && inputs.is_some_and(|inputs| inputs.iter().any(joins))
}

/// For nodes of the constant part the bytes that an image's values take when each is computed, with the image itself. A node
/// that is absorbed gives what the one before it holds; of nodes that are computed together only the last gives anything.
pub(super) fn alive(graph: &Graph, cut: &Cut) -> Vec<(usize, u64)> {
    let absorbed = absorbed(graph);
    let bytes = |i: &usize| {
        let node = graph.nodes().get(*i);
        node.map_or(0, |node| F32 * node.output.elements() as u64)
    };
    let (stages, mut joined) = (cut.stages(graph), joined(graph));
    for (joined, banded) in joined.iter_mut().zip(banded(graph)) {
        *joined |= banded;
    }
    for node in cut.frontier() {
        // What it gives is wanted for itself.
        if let Some(next) = joined.get_mut(node + 1) {
            *next = false;
        }
    }
    let goes_on = |last: usize| joined.get(last + 1).copied().unwrap_or(false);
    let steps = stages.iter().enumerate().skip(1);
    let steps = steps.filter(|(_, stage)| !goes_on(stage.last));
    let alive = |(at, stage): (usize, &Stage)| {
        // What is there before the first of those that are computed together.
        let first = stages[..=at]
            .iter()
            .rposition(|stage| !joined[stage.last])?;
        let before = stages.get(first.checked_sub(1)?)?;
        let made = match absorbed[stage.last] {
            true => 0,
            // Longer than each before it: none of the room that these leave will do. As measured.
            false if is_lengthened(graph, stage.last) => bytes(&stage.last) * 2,
            false => bytes(&stage.last),
        };
        before
            .nodes
            .iter()
            .map(bytes)
            .reduce(u64::saturating_add)
            .map(|there| {
                (
                    stage.last,
                    there.saturating_add(made).saturating_add(bytes(&0)),
                )
            })
    };
    steps.filter_map(alive).collect()
}
