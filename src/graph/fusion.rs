//! Which nodes are computed together with the one before them. Names, files and the summary do not show it.

use super::node::Graph;
use super::op::{Activation, Function, Op};
use crate::ops::{self, are_bands_worth};

/// What may follow a product of values and weights to be computed with it, in the order in which it may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Product,
    Scale,
    DropPath,
    Add,
    Activation,
}

impl Step {
    fn of(op: &Op) -> Option<Self> {
        match op {
            Op::Convolution(_) | Op::Dense(_) => Some(Step::Product),
            Op::BatchNorm(_) | Op::LayerScale(_) => Some(Step::Scale),
            Op::DropPath(_) => Some(Step::DropPath),
            Op::Add(_) => Some(Step::Add),
            Op::Activation(Activation {
                function: Function::Of(_),
            }) => Some(Step::Activation),
            _ => None,
        }
    }
}

/// For each node whether on a CPU, where no gradients are wanted, it is computed in one pass with the node before it,
/// which only it takes: a convolution or a dense layer, its normalization, what is added, and a function of the sum.
pub fn joined(graph: &Graph) -> Vec<bool> {
    let (nodes, consumers) = (graph.nodes(), graph.consumers());
    // The latest step of those that are computed together.
    let mut latest = None;
    let mut joined = Vec::with_capacity(nodes.len());
    for (i, node) in nodes.iter().enumerate() {
        let step = Step::of(&node.op);
        let follows = i.checked_sub(1).is_some_and(|before| {
            let alone = consumers.get(before).is_some_and(|all| *all == [i]);
            alone && node.inputs.contains(&before) && latest.is_some() && latest < step
        });
        latest = match step {
            Some(Step::Product) => step,
            _ if follows => step,
            _ => None,
        };
        joined.push(follows);
    }
    joined
}

/// For each node whether it is a depthwise convolution that is computed band by band with the nodes before it, of which only it
/// takes the last: a convolution of single pixels and what is [`joined`] with it, where nothing is added.
pub fn banded(graph: &Graph) -> Vec<bool> {
    let (nodes, consumers, joined) = (graph.nodes(), graph.consumers(), joined(graph));
    // Whether those that are computed together begin with such a convolution, on a map that is worth it.
    let mut is_wide = false;
    let mut banded = Vec::with_capacity(nodes.len());
    for (i, node) in nodes.iter().enumerate() {
        let follows = i.checked_sub(1).is_some_and(|before| {
            let alone = consumers.get(before).is_some_and(|all| *all == [i]);
            alone && node.inputs == [before]
        });
        // One channel in gives one channel out.
        let keeps = |filters: usize| {
            graph
                .inputs(node)
                .first()
                .is_some_and(|x| x.channels() == filters)
        };
        let is_depthwise =
            matches!(&node.op, Op::Convolution(op) if op.is_depthwise() && keeps(op.filters));
        banded.push(is_wide && follows && is_depthwise);
        is_wide = match &node.op {
            Op::Convolution(op) => op.is_pointwise() && are_bands_worth(node.output.places()),
            Op::Add(_) => false,
            _ => is_wide && joined[i],
        };
    }
    banded
}

/// For each node whether it is a function that the node before it applies itself, also where gradients are wanted: a ReLU
/// behind a convolution, a dense layer or a sum, any function behind a batch normalization.
pub fn absorbed(graph: &Graph) -> Vec<bool> {
    functions_behind(graph, |op, function| {
        matches!(op, Op::BatchNorm(_)) || applies_relu(op) && function == ops::Function::Relu
    })
}

/// As [`absorbed`], on an NVIDIA GPU, where batch normalizations apply ReLU only.
pub fn absorbed_on_gpu(graph: &Graph) -> Vec<bool> {
    functions_behind(graph, |op, function| {
        applies_relu(op) && function == ops::Function::Relu
    })
}

fn applies_relu(op: &Op) -> bool {
    use Op::{Add, BatchNorm, Convolution, Dense};
    matches!(op, Convolution(_) | Dense(_) | BatchNorm(_) | Add(_))
}

/// For each node whether it is a function of single values, and alone takes what an operation gives that applies it.
fn functions_behind(graph: &Graph, applies: impl Fn(&Op, ops::Function) -> bool) -> Vec<bool> {
    let consumers = graph.consumers();
    let is_absorbed = |op: &Op, inputs: &[usize]| {
        let (&[before], Op::Activation(activation)) = (inputs, op) else {
            return false;
        };
        let Function::Of(function) = activation.function else {
            return false;
        };
        let alone = consumers.get(before).is_some_and(|all| all.len() == 1);
        let node = graph.nodes().get(before);
        alone && node.is_some_and(|node| applies(&node.op, function))
    };
    let nodes = graph.nodes().iter();
    nodes
        .map(|node| is_absorbed(&node.op, &node.inputs))
        .collect()
}
