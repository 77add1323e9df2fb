//! Building a graph node by node.

use super::initial::{self, Distribution, Fans, Initializer};
use super::node::{Graph, Node};
use super::op::{Activation, DropPath, Function, Input, Op};
use super::parameter::Parameter;
use super::path::{lies_in, tensor_name};
use super::role::Role;
use super::shape::Shape;

/// Values of one sample, or of one tensor, that no machine holds: sums and products of sizes stay far from overflow.
const MOST: usize = 1 << 40;

/// The name of the node that gives the images; no layer can have it.
const IMAGES: &str = "the images";

/// What a node gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(usize);

/// A graph that is being built.
#[derive(Debug)]
pub struct Builder {
    nodes: Vec<Node>,
    /// The rate of the deepest residual branch.
    drop_path: f64,
    /// For the nodes to come.
    initializer: Initializer,
}

impl Builder {
    /// Nothing but images of this shape, and their value.
    ///
    /// # Errors
    /// Images that are too large.
    pub fn new(input: Shape) -> Result<(Self, Value), String> {
        let mut builder = Builder {
            nodes: Vec::new(),
            drop_path: 0.0,
            initializer: initial::keras,
        };
        let images = builder.add(Node {
            name: IMAGES.into(),
            module: IMAGES.into(),
            op: Op::Input(Input),
            inputs: Vec::new(),
            output: input,
            parameters: Vec::new(),
        })?;
        Ok((builder, images))
    }

    /// Drops residual branches while training, the deepest with this rate in [0, 1).
    pub fn set_drop_path(&mut self, rate: f64) {
        self.drop_path = rate;
    }

    /// Says how the tensors of the nodes to come start; before, they start as Keras's.
    pub fn set_initializer(&mut self, initializer: Initializer) {
        self.initializer = initializer;
    }

    /// Lets a normalization give nothing at first: it ends a residual branch.
    pub fn start_at_zero(&mut self, normalization: Value) {
        let node = self.nodes.get_mut(normalization.0);
        let tensors = node.into_iter().flat_map(|node| &mut node.parameters);
        for scale in tensors.filter(|tensor| tensor.role == Role::Gamma) {
            scale.initial = Distribution::Constant(0.0);
        }
    }

    /// Appends what drops the residual branch `x` of `module`, where it is dropped at all; `depth` in [0, 1] is the
    /// part of the deepest branch's rate that it has.
    ///
    /// # Errors
    /// As [`Builder::push`].
    pub fn push_drop_path(
        &mut self,
        module: &str,
        part: &str,
        depth: f64,
        x: Value,
    ) -> Result<Value, String> {
        match self.drop_path * depth {
            0.0 => Ok(x),
            rate => self.push(module, part, DropPath { rate }, &[x]),
        }
    }

    /// The shape of a value.
    pub fn shape(&self, value: Value) -> Shape {
        self.nodes
            .get(value.0)
            .map_or(Shape::vector(0), |node| node.output)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node, which never is.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether a node is random while training.
    pub fn has_random(&self) -> bool {
        self.nodes.iter().any(|node| node.op.is_random())
    }

    /// Whether a node lies at or below this path of names.
    pub fn has(&self, path: &str) -> bool {
        self.nodes.iter().any(|node| lies_in(&node.name, path))
    }

    /// Appends a node: `part` of `module`, or the module's only or main node where `part` is empty.
    ///
    /// # Errors
    /// Why it cannot stand there.
    pub fn push(
        &mut self,
        module: &str,
        part: &str,
        op: impl Into<Op>,
        inputs: &[Value],
    ) -> Result<Value, String> {
        let name = match part {
            "" => module.to_owned(),
            part => format!("{module}.{part}"),
        };
        let wrong = |why: String| format!("layer {name}: {why}");
        let op = op.into();
        let shapes: Vec<Shape> = inputs.iter().map(|value| self.shape(*value)).collect();
        let output = op.output(&shapes).map_err(wrong)?;
        let tensors = op.tensors(&shapes);
        let mut kernels = tensors.iter().filter(|(_, role, _)| role.is_kernel());
        let kernel = kernels.next();
        let fans = Fans::of(&op, kernel.map(|(_, role, extent)| (*role, &extent[..])));
        let parameters = tensors
            .into_iter()
            .map(|(suffix, role, extent)| Parameter {
                name: tensor_name(&name, suffix),
                role,
                extent,
                initial: (self.initializer)(role, fans),
            })
            .collect();
        self.add(Node {
            op,
            inputs: inputs.iter().map(|value| value.0).collect(),
            output,
            parameters,
            module: module.to_owned(),
            name: name.clone(),
        })
        .map_err(wrong)
    }

    /// Appends a node and the function that follows it.
    ///
    /// # Errors
    /// As [`Builder::push`].
    pub fn push_activated(
        &mut self,
        module: &str,
        part: &str,
        op: impl Into<Op>,
        function: Function,
        input: Value,
    ) -> Result<Value, String> {
        let y = self.push(module, part, op, &[input])?;
        let activation = Activation { function };
        let dot = if part.is_empty() { "" } else { "." };
        self.push(module, &format!("{part}{dot}{function}"), activation, &[y])
    }

    fn add(&mut self, node: Node) -> Result<Value, String> {
        let fits = |values: Option<usize>| values.is_some_and(|values| values <= MOST);
        if !fits(node.output.checked_elements()) {
            return Err(format!("its output {} has too many values", node.output));
        }
        let mut tensors = node.parameters.iter();
        if let Some(large) = tensors.find(|tensor| !fits(tensor.checked_elements())) {
            return Err(format!("its tensor {} has too many values", large.name));
        }
        self.nodes.push(node);
        Ok(Value(self.nodes.len() - 1))
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        Graph::new(self.nodes)
    }
}
