//! A graph that is being written, and a node's place in it.
//!
//! Maps are `[batch, channels, height, width]` in ONNX and `[batch, height, width, channels]` here. Each value is kept as
//! the node that gives it makes it, and transposed where another needs it otherwise. A flattened map has PyTorch's order in
//! both its values and its weights.

use std::collections::BTreeSet;

use super::document::{Attribute, Document};
use crate::export::Error;
use crate::graph::{Graph, Node, Op, Shape};
use crate::model::Weights;
use crate::model::weights::HostTensor;

/// Where the channels of a map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[batch, channels, height, width]`
    ChannelsFirst,
    /// `[batch, height, width, channels]`; vectors and tokens, too.
    ChannelsLast,
}

/// What a node gives, under its name in the document.
#[derive(Clone, Debug)]
pub struct Value {
    pub name: String,
    pub layout: Layout,
    /// The same in the other layout, once somebody needed it.
    other: Option<String>,
}

impl Value {
    pub fn first(name: String) -> Self {
        Value::of(name, Layout::ChannelsFirst)
    }

    pub fn last(name: String) -> Self {
        Value::of(name, Layout::ChannelsLast)
    }

    pub fn of(name: String, layout: Layout) -> Self {
        Value {
            name,
            layout,
            other: None,
        }
    }
}

/// A graph that is being written.
pub struct Sheet<'a> {
    pub document: Document,
    pub graph: &'a Graph,
    /// Tensors in PyTorch's layouts that are not in the document yet.
    weights: Weights,
    values: Vec<Option<Value>>,
    consumers: Vec<Vec<usize>>,
    /// Whether batch normalization becomes part of the layer before it.
    folds_batch_norm: bool,
    /// Nodes whose work another does.
    folded: BTreeSet<usize>,
}

impl<'a> Sheet<'a> {
    /// Of a graph with these weights; nothing is written yet.
    pub fn new(graph: &'a Graph, weights: Weights, folds_batch_norm: bool) -> Self {
        Sheet {
            document: Document::default(),
            values: vec![None; graph.nodes().len()],
            consumers: graph.consumers(),
            folded: BTreeSet::new(),
            graph,
            weights,
            folds_batch_norm,
        }
    }

    /// What a node gives.
    ///
    /// # Errors
    /// It has not been written.
    pub fn value(&self, node: usize) -> Result<&Value, Error> {
        let value = self.values.get(node).and_then(Option::as_ref);
        value
            .ok_or_else(|| Error::Inexpressible(format!("node {node} of the network has no value")))
    }

    /// Says what a node gives.
    pub fn set(&mut self, node: usize, value: Value) {
        if let Some(place) = self.values.get_mut(node) {
            *place = Some(value);
        }
    }

    /// The name of what a node gives, in this layout.
    fn value_as(&mut self, node: usize, layout: Layout) -> Result<String, Error> {
        let value = self.value(node)?.clone();
        let output = self.graph.nodes().get(node).map(|node| node.output);
        if value.layout == layout || !matches!(output, Some(Shape::Map { .. })) {
            return Ok(value.name);
        }
        if let Some(other) = value.other {
            return Ok(other);
        }
        let (part, axes) = match layout {
            Layout::ChannelsFirst => ("channels_first", [0, 3, 1, 2]),
            Layout::ChannelsLast => ("channels_last", [0, 2, 3, 1]),
        };
        let attributes = [("perm", Attribute::Ints(&axes))];
        let wanted = format!("{}/{part}", value.name);
        let other = self
            .document
            .node(&wanted, "Transpose", &[&value.name], &attributes);
        if let Some(Some(value)) = self.values.get_mut(node) {
            value.other = Some(other.clone());
        }
        Ok(other)
    }
}

/// Batch normalization as a factor and an offset for each channel.
pub struct ScaleAndShift {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

/// A node that is being written.
pub struct Place<'p, 'a> {
    sheet: &'p mut Sheet<'a>,
    index: usize,
    node: &'a Node,
}

impl<'p, 'a> Place<'p, 'a> {
    /// Of node number `index`.
    pub fn new(sheet: &'p mut Sheet<'a>, index: usize, node: &'a Node) -> Self {
        Place { sheet, index, node }
    }

    /// The shape of its first input.
    ///
    /// # Errors
    /// It has none.
    pub fn shape(&self) -> Result<Shape, Error> {
        let first = self.sheet.graph.inputs(self.node).first().copied();
        first.ok_or_else(|| self.wrong("takes nothing"))
    }

    /// Whether its first input is a map.
    ///
    /// # Errors
    /// It has none.
    pub fn is_map(&self) -> Result<bool, Error> {
        Ok(matches!(self.shape()?, Shape::Map { .. }))
    }

    /// Whether its first input is a vector.
    ///
    /// # Errors
    /// It has none.
    pub fn is_vector(&self) -> Result<bool, Error> {
        Ok(matches!(self.shape()?, Shape::Vector { .. }))
    }

    /// The height and width of its first input.
    ///
    /// # Errors
    /// That is no map.
    pub fn input_sides(&self) -> Result<[usize; 2], Error> {
        self.sides(self.shape()?)
    }

    /// The height and width of what it gives.
    ///
    /// # Errors
    /// That is no map.
    pub fn output_sides(&self) -> Result<[usize; 2], Error> {
        self.sides(self.output())
    }

    fn sides(&self, shape: Shape) -> Result<[usize; 2], Error> {
        match shape {
            Shape::Map { height, width, .. } => Ok([height, width]),
            _ => Err(self.wrong("has to do with no map")),
        }
    }

    /// The shape that it gives.
    pub fn output(&self) -> Shape {
        self.node.output
    }

    /// Input number `n` as its node gave it.
    ///
    /// # Errors
    /// There is none.
    pub fn input(&self, n: usize) -> Result<Value, Error> {
        Ok(self.sheet.value(self.input_node(n)?)?.clone())
    }

    /// The name of input number `n` in this layout.
    ///
    /// # Errors
    /// There is none.
    pub fn input_as(&mut self, n: usize, layout: Layout) -> Result<String, Error> {
        let node = self.input_node(n)?;
        self.sheet.value_as(node, layout)
    }

    fn input_node(&self, n: usize) -> Result<usize, Error> {
        let node = self.node.inputs.get(n).copied();
        node.ok_or_else(|| self.wrong("takes too little"))
    }

    /// How many inputs it has.
    pub fn input_count(&self) -> usize {
        self.node.inputs.len()
    }

    /// Its tensor `suffix` in PyTorch's layout.
    ///
    /// # Errors
    /// It has none.
    pub fn take(&mut self, suffix: &str) -> Result<HostTensor, Error> {
        let name = self.node.tensor_name(suffix);
        let tensor = self.sheet.weights.remove(&name);
        tensor.ok_or_else(|| Error::Inexpressible(format!("the network has no tensor {name}")))
    }

    /// Its tensor `suffix` as a tensor of the document, of the shape that `shape` makes of its own.
    ///
    /// # Errors
    /// It has none.
    pub fn tensor(
        &mut self,
        suffix: &str,
        shape: impl FnOnce(&HostTensor) -> Vec<usize>,
    ) -> Result<String, Error> {
        let tensor = self.take(suffix)?;
        let shape = shape(&tensor);
        Ok(self.put(suffix, &shape, tensor.data))
    }

    /// Puts values under the name of its tensor `suffix`.
    pub fn put(&mut self, suffix: &str, shape: &[usize], values: Vec<f32>) -> String {
        let name = self.node.tensor_name(suffix);
        self.sheet.document.floats(&name, shape, values)
    }

    /// A constant of its own.
    pub fn constant(&mut self, part: &str, value: f64) -> String {
        let name = format!("{}/{part}", self.node.name);
        self.sheet.document.floats(&name, &[], vec![value as f32])
    }

    /// Integers of its own.
    pub fn ints(&mut self, part: &str, values: &[i64]) -> String {
        let name = format!("{}/{part}", self.node.name);
        self.sheet.document.ints(&name, values)
    }

    /// An integer of its own.
    pub fn int(&mut self, part: &str, value: i64) -> String {
        let name = format!("{}/{part}", self.node.name);
        self.sheet.document.int(&name, value)
    }

    /// Adds a step towards what the node gives.
    pub fn step(
        &mut self,
        part: &str,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> String {
        let name = format!("{}/{part}", self.node.name);
        self.sheet
            .document
            .node(&name, operator, inputs, attributes)
    }

    /// Adds a step that gives several values.
    pub fn steps<const N: usize>(
        &mut self,
        parts: [&str; N],
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> [String; N] {
        let document = &mut self.sheet.document;
        let names = parts.map(|part| document.name(&format!("{}/{part}", self.node.name)));
        let outputs = names.each_ref().map(String::as_str);
        document.node_of(&outputs, operator, inputs, attributes);
        names
    }

    /// Adds what gives the node's value, under the node's name.
    pub fn last_step(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> String {
        let name = &self.node.name;
        self.sheet.document.node(name, operator, inputs, attributes)
    }

    /// The batch normalization that alone takes what this node gives, where it is to become part of it: from now on it does
    /// nothing itself.
    ///
    /// # Errors
    /// It has no tensors.
    pub fn absorb_batch_norm(&mut self) -> Result<Option<ScaleAndShift>, Error> {
        let only = match self.sheet.consumers.get(self.index).map(Vec::as_slice) {
            Some(&[only]) if self.sheet.folds_batch_norm => only,
            _ => return Ok(None),
        };
        let graph = self.sheet.graph;
        let Some(node) = graph.nodes().get(only) else {
            return Ok(None);
        };
        let Op::BatchNorm(op) = &node.op else {
            return Ok(None);
        };
        self.sheet.folded.insert(only);
        let epsilon = op.epsilon;
        Place::new(self.sheet, only, node)
            .scale_and_shift(epsilon)
            .map(Some)
    }

    /// What its tensors do to each channel, of batch normalization that adds `epsilon` to the variance.
    ///
    /// # Errors
    /// It has no tensors.
    pub fn scale_and_shift(&mut self, epsilon: f64) -> Result<ScaleAndShift, Error> {
        let [gamma, beta, mean, variance] =
            ["weight", "bias", "running_mean", "running_var"].map(|suffix| self.take(suffix));
        let (gamma, beta, mean, variance) = (gamma?.data, beta?.data, mean?.data, variance?.data);
        let scale = |(gamma, variance): (&f32, &f32)| {
            f64::from(*gamma) / (f64::from(*variance) + epsilon).sqrt()
        };
        let scale: Vec<f64> = gamma.iter().zip(&variance).map(scale).collect();
        let moved = beta.iter().zip(&mean).zip(&scale);
        let shift =
            moved.map(|((beta, mean), scale)| (f64::from(*beta) - f64::from(*mean) * scale) as f32);
        Ok(ScaleAndShift {
            shift: shift.collect(),
            scale: scale.iter().map(|scale| *scale as f32).collect(),
        })
    }

    /// Whether another does the node's work.
    pub fn is_folded(&self) -> bool {
        self.sheet.folded.contains(&self.index)
    }

    /// What is wrong with it.
    pub fn wrong(&self, why: &str) -> Error {
        Error::Inexpressible(format!("layer {} {why}", self.node.name))
    }
}
