//! What of a graph is frozen, what is constant, and where constant values meet the rest.

use std::collections::BTreeSet;

use super::node::{Graph, Node};
use super::parameter::Parameter;

/// A division of a graph: any of its weights train, the others are frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// The weights that the optimizer changes, by name.
    trained: BTreeSet<String>,
    /// For each node whether its moving statistics follow the batches.
    follows: Vec<bool>,
    constant: Vec<bool>,
    frontier: Vec<usize>,
}

/// When a batch norm normalizes by the batch, and its moving statistics follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Where any of its weights train; where none does, it infers and keeps its statistics, as in Keras.
    OfTrained,
    /// Everywhere.
    OfAll,
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
    /// With those weights trained for which `trains` says so, of a node and one of its weights.
    pub fn new(
        graph: &Graph,
        statistics: Statistics,
        trains: impl Fn(usize, &Parameter) -> bool,
    ) -> Self {
        let weights = graph.parameters().filter(|(_, p)| p.role.is_weight());
        let trained: BTreeSet<String> = weights
            .filter(|(node, parameter)| trains(*node, parameter))
            .map(|(_, parameter)| parameter.name.clone())
            .collect();
        let learns = |node: &Node| node.parameters.iter().any(|p| trained.contains(&p.name));
        let follows = |node: &Node| {
            let has_statistics = node.parameters.iter().any(|p| !p.role.is_weight());
            has_statistics && (statistics == Statistics::OfAll || learns(node))
        };
        let mut constant: Vec<bool> = Vec::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            let changes = learns(node) || follows(node) || node.op.is_random();
            let of_constants = node
                .inputs
                .iter()
                .all(|input| constant.get(*input).copied().unwrap_or(false));
            constant.push(of_constants && !changes);
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
            follows: graph.nodes().iter().map(follows).collect(),
            trained,
            constant,
            frontier,
        }
    }

    /// Whether a node's moving statistics follow the batches, by which it normalizes while training.
    pub fn follows_batches(&self, node: usize) -> bool {
        self.follows.get(node).copied().unwrap_or(false)
    }

    /// Whether the node gives the same for an image in every step: nothing of it or of what is before it trains, follows
    /// the batches or is random.
    pub fn is_constant(&self, node: usize) -> bool {
        self.constant.get(node).copied().unwrap_or(false)
    }

    /// Whether the optimizer changes a tensor.
    pub fn trains(&self, parameter: &Parameter) -> bool {
        self.trained.contains(&parameter.name)
    }

    /// Whether a forward pass in training changes a tensor of a node.
    pub fn moves(&self, node: usize, parameter: &Parameter) -> bool {
        !parameter.role.is_weight() && self.follows_batches(node)
    }

    /// Number of values the optimizer changes.
    pub fn trainable_count(&self, graph: &Graph) -> usize {
        let trained = graph.parameters().filter(|(_, p)| self.trains(p));
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
