//! Named operations, and what they are applied to.

use super::op::Op;
use super::parameter::Parameter;
use super::path::{lies_in, prefixes, tensor_name};
use super::shape::Shape;

/// One named primitive operation at its place in the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// A path: its module's name, and within it the node's own, joined by dots. Tensors' names begin with it.
    pub name: String,
    /// The part of the name that names its module: a line of the summary, what Keras counts as a layer.
    pub module: String,
    pub op: Op,
    /// The nodes whose values it takes, all earlier ones.
    pub inputs: Vec<usize>,
    pub output: Shape,
    pub parameters: Vec<Parameter>,
}

/// A network: its nodes in an order in which they can be computed. The first one gives the images, the last one the
/// result.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
}

/// Nodes under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Module<'a> {
    pub name: &'a str,
    /// In the graph's order; not empty.
    pub nodes: Vec<usize>,
}

impl Node {
    /// The whole name of a tensor of the node, for what its operation calls it.
    pub fn tensor_name(&self, suffix: &str) -> String {
        tensor_name(&self.name, suffix)
    }

    /// The paths it lies at: `a`, `a.b`, `a.b.c` of `a.b.c`.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        prefixes(&self.name)
    }

    /// Number of values in its tensors.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(Parameter::elements).sum()
    }
}

impl Graph {
    /// Of nodes whose inputs are earlier ones.
    pub(super) fn new(nodes: Vec<Node>) -> Self {
        Graph { nodes }
    }

    /// All nodes, the images first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The shapes that a node takes.
    pub fn inputs(&self, node: &Node) -> Vec<Shape> {
        let nodes = node.inputs.iter().filter_map(|i| self.nodes.get(*i));
        nodes.map(|node| node.output).collect()
    }

    /// Multiply-accumulates of a node for one sample.
    pub fn multiplications(&self, node: &Node) -> u64 {
        node.op.multiplications(&self.inputs(node), node.output)
    }

    /// Every tensor with its node, in the graph's order.
    pub fn parameters(&self) -> impl Iterator<Item = (usize, &Parameter)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.flat_map(|(i, node)| node.parameters.iter().map(move |p| (i, p)))
    }

    /// Number of values in all tensors, moving statistics included, as Keras counts.
    pub fn parameter_count(&self) -> usize {
        self.nodes.iter().map(Node::parameter_count).sum()
    }

    /// The nodes that take each node's value.
    pub fn consumers(&self) -> Vec<Vec<usize>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                if let Some(list) = consumers.get_mut(*input) {
                    list.push(i);
                }
            }
        }
        consumers
    }

    /// Modules in the graph's order; the images are none.
    pub fn modules(&self) -> Vec<Module<'_>> {
        let mut modules: Vec<Module<'_>> = Vec::new();
        for (i, node) in self.nodes.iter().enumerate().skip(1) {
            match modules.iter_mut().find(|module| module.name == node.module) {
                Some(module) => module.nodes.push(i),
                None => modules.push(Module {
                    name: &node.module,
                    nodes: vec![i],
                }),
            }
        }
        modules
    }

    /// The last node at or below a path of names.
    pub fn last_of(&self, path: &str) -> Option<usize> {
        self.nodes
            .iter()
            .rposition(|node| lies_in(&node.name, path))
    }

    /// Every path that [`Graph::last_of`] finds, shorter ones first.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.nodes.iter().skip(1).flat_map(Node::paths).collect();
        paths.sort_by_key(|path| path.matches('.').count());
        let mut seen = std::collections::HashSet::new();
        paths.retain(|path| seen.insert(*path));
        paths
    }

    /// The name under which everything through a node is known: the shortest path that ends with it.
    pub fn through(&self, node: usize) -> &str {
        let name = self.nodes.get(node).map_or("", |node| node.name.as_str());
        let mut paths = prefixes(name);
        paths
            .find(|path| self.last_of(path) == Some(node))
            .unwrap_or(name)
    }
}
