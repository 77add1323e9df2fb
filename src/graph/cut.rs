//! What of a graph is frozen, what is constant, and where constant values meet the rest.

use super::node::Graph;
use super::parameter::Parameter;

/// A division of a graph's nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    frozen: Vec<bool>,
    constant: Vec<bool>,
    frontier: Vec<usize>,
}

/// Values from which the rest of the constant part can be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The last node that is computed.
    pub last: usize,
    /// The nodes whose values are still needed, in the graph's order.
    pub nodes: Vec<usize>,
}

impl Cut {
    /// With these nodes frozen, one entry each.
    pub fn new(graph: &Graph, frozen: Vec<bool>) -> Self {
        let is_frozen = |i: usize| frozen.get(i).copied().unwrap_or(false);
        let mut constant: Vec<bool> = Vec::with_capacity(graph.nodes().len());
        for (i, node) in graph.nodes().iter().enumerate() {
            let is_fixed = is_frozen(i) || node.parameters.is_empty();
            let of_constants = node
                .inputs
                .iter()
                .all(|input| constant.get(*input).copied().unwrap_or(false));
            constant.push(of_constants && is_fixed && !node.op.is_random());
        }
        let is_constant = |i: &usize| constant.get(*i).copied().unwrap_or(false);
        let meets_the_rest = |consumers: &Vec<usize>| !consumers.iter().all(is_constant);
        let frontier = graph
            .consumers()
            .iter()
            .enumerate()
            .filter(|(i, consumers)| is_constant(i) && meets_the_rest(consumers))
            .map(|(i, _)| i)
            .collect();
        Cut {
            frozen,
            constant,
            frontier,
        }
    }

    /// Whether nothing changes the node's tensors.
    pub fn is_frozen(&self, node: usize) -> bool {
        self.frozen.get(node).copied().unwrap_or(false)
    }

    /// Whether the node gives the same for an image in every step: it and all before it are frozen or have no tensors,
    /// and none is random.
    pub fn is_constant(&self, node: usize) -> bool {
        self.constant.get(node).copied().unwrap_or(false)
    }

    /// Whether the optimizer changes a tensor of a node.
    pub fn trains(&self, node: usize, parameter: &Parameter) -> bool {
        !self.is_frozen(node) && parameter.role.is_weight()
    }

    /// Number of values the optimizer changes.
    pub fn trainable_count(&self, graph: &Graph) -> usize {
        let trained = graph.parameters().filter(|(i, p)| self.trains(*i, p));
        trained.map(|(_, p)| p.elements()).sum()
    }

    /// The constant nodes whose values others take: what can be kept as features.
    pub fn frontier(&self) -> &[usize] {
        &self.frontier
    }

    /// The constant nodes, the images first.
    pub fn constant(&self) -> Vec<usize> {
        self.nodes(true)
    }

    /// The nodes that are not constant.
    pub fn rest(&self) -> Vec<usize> {
        self.nodes(false)
    }

    fn nodes(&self, constant: bool) -> Vec<usize> {
        let all = self.constant.iter().enumerate();
        let wanted = all.filter(|(_, is_constant)| **is_constant == constant);
        wanted.map(|(i, _)| i).collect()
    }

    /// What is needed of the constant part after each of its nodes; the last stage's nodes are the frontier.
    pub fn stages(&self, graph: &Graph) -> Vec<Stage> {
        let consumers = graph.consumers();
        let constant = self.constant();
        let is_needed_after = |node: usize, last: usize| {
            let mut later = consumers.get(node).into_iter().flatten();
            self.frontier.contains(&node) || later.any(|i| *i > last && self.is_constant(*i))
        };
        let stage = |(at, &last): (usize, &usize)| Stage {
            last,
            nodes: constant
                .iter()
                .take(at + 1)
                .copied()
                .filter(|node| is_needed_after(*node, last))
                .collect(),
        };
        constant.iter().enumerate().map(stage).collect()
    }
}
