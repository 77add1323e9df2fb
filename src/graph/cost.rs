//! What a run will take: operations and memory, counted from the graph.

use super::cut::Cut;
use super::fusion::absorbed;
use super::node::Graph;

/// Bytes of one value.
const F32: u64 = 4;

/// Bytes of a node's inputs and output together that stay near a processor.
pub const NEAR: u64 = 32 << 20;

/// How many images a forward pass on a CPU is best done with, at least 1: the values of the widest of `nodes` stay near
/// the processor.
pub fn images_at_once(graph: &Graph, nodes: &[usize]) -> usize {
    let widest = nodes.iter().filter_map(|i| graph.nodes().get(*i));
    let values = widest.map(|node| {
        let inputs = graph.inputs(node);
        inputs.iter().map(|shape| shape.elements()).sum::<usize>() + node.output.elements()
    });
    let bytes = F32 as usize * values.max().unwrap_or(1);
    (NEAR as usize / bytes.max(1)).max(1)
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
    /// Bytes of gradients and of the optimizer's moments.
    pub training_state: u64,
    /// Bytes of the values kept for the backward pass, an image; the constant part keeps only what it still needs.
    pub activations: u64,
    /// The same of the part that is trained alone.
    pub trained: u64,
    /// The same of the constant part alone.
    pub constant: u64,
}

impl Cost {
    /// The cost of a network whose optimizer keeps `moments` values a weight.
    pub fn of(graph: &Graph, cut: &Cut, moments: usize) -> Cost {
        let mut cost = Cost::default();
        let absorbed = absorbed(graph);
        let mut kept = 0u64;
        let mut has_gradient: Vec<bool> = Vec::new();
        for (i, node) in graph.nodes().iter().enumerate() {
            let weights = node.parameters.iter().filter(|p| p.role.is_weight());
            let learns = !cut.is_frozen(i) && weights.clone().count() > 0;
            let of_inputs = node.inputs.iter().any(|input| has_gradient[*input]);
            has_gradient.push(learns || of_inputs);

            let elements = node.parameters.iter().map(|p| p.elements() as u64);
            cost.weights = cost.weights.saturating_add(F32 * elements.sum::<u64>());
            if learns {
                let trained: u64 = weights.map(|p| p.elements() as u64).sum();
                let state = F32 * trained * (1 + moments as u64);
                cost.training_state = cost.training_state.saturating_add(state);
            }
            let forward = graph.multiplications(node);
            // Without weights, the products are of values, each with a gradient.
            let products = learns || node.parameters.is_empty() && of_inputs;
            let passes = 1 + u64::from(of_inputs) + u64::from(products);
            cost.forward = cost.forward.saturating_add(forward);
            cost.training = cost.training.saturating_add(forward.saturating_mul(passes));
            if !cut.is_constant(i) && !absorbed[i] {
                let saved = node.op.saved(&graph.inputs(node), node.output);
                kept = kept.saturating_add(F32.saturating_mul(saved));
            }
        }
        // Every kept value has a gradient for a while.
        cost.trained = kept.saturating_mul(2);
        cost.constant = constant_peak(graph, cut);
        cost.activations = cost.trained.max(cost.constant);
        cost
    }
}

/// The most bytes that an image's values take at a time in the constant part.
fn constant_peak(graph: &Graph, cut: &Cut) -> u64 {
    let bytes = |i: &usize| {
        let node = graph.nodes().get(*i);
        node.map_or(0, |node| F32 * node.output.elements() as u64)
    };
    let stages = cut.stages(graph);
    let steps = stages.iter().zip(stages.iter().skip(1));
    let at = steps.map(|(before, stage)| {
        before.nodes.iter().map(bytes).fold(0, u64::saturating_add) + bytes(&stage.last)
    });
    at.max().unwrap_or(0)
}
