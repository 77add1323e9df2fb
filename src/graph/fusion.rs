//! Which nodes are computed together with the one before them. Names, files and the summary do not show it.

use super::node::Graph;
use super::op::{Activation, Function, Op};

/// For each node whether it is a ReLU that the convolution or dense layer before it applies itself.
pub fn absorbed(graph: &Graph) -> Vec<bool> {
    let consumers = graph.consumers();
    let is_absorbed = |op: &Op, inputs: &[usize]| {
        let relu = matches!(
            op,
            Op::Activation(Activation {
                function: Function::Relu
            })
        );
        let [before] = inputs else { return false };
        let alone = consumers.get(*before).is_some_and(|all| all.len() == 1);
        let applies = |i: &usize| {
            let node = graph.nodes().get(*i);
            node.is_some_and(|node| matches!(node.op, Op::Convolution(_) | Op::Dense(_)))
        };
        relu && alone && applies(before)
    };
    let nodes = graph.nodes().iter();
    nodes
        .map(|node| is_absorbed(&node.op, &node.inputs))
        .collect()
}
