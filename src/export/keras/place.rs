//! Keras's layers that are being written, and a node's place among them.

use serde_json::{Map, Value};

use crate::export::Error;
use crate::graph::{Graph, Node, Shape, from_file};
use crate::model::Weights;

/// A layer of Keras's.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub name: String,
    /// In `keras.layers`.
    pub class: Class,
    /// What its constructor takes beside the name.
    pub options: Map<String, Value>,
    /// The layers whose values it takes.
    pub inputs: Vec<usize>,
    /// `[height, width, channels]` or `[units]`.
    pub output: Vec<usize>,
    pub trainable: bool,
    pub arrays: Vec<Array>,
    /// The module of the node that it comes from.
    pub module: String,
}

/// Weights of a layer, in Keras's order and layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// A class of `keras.layers`, with what its groups are called in `.weights.h5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    pub name: &'static str,
    pub group: &'static str,
    /// Whether it can end in an activation.
    pub activates: bool,
}

impl Class {
    /// Of this name.
    pub const fn new(name: &'static str, group: &'static str) -> Self {
        Class {
            name,
            group,
            activates: false,
        }
    }

    /// That can end in an activation.
    pub const fn activating(name: &'static str, group: &'static str) -> Self {
        Class {
            activates: true,
            ..Class::new(name, group)
        }
    }
}

/// The layers of a graph, as far as they are written.
pub struct Sheet<'a> {
    pub graph: &'a Graph,
    pub layers: Vec<Layer>,
    weights: Weights,
    /// The layer that gives what a node gives.
    values: Vec<Option<usize>>,
    consumers: Vec<Vec<usize>>,
    /// Whether a tensor trains.
    trains: Box<dyn Fn(&str) -> bool + 'a>,
}

impl<'a> Sheet<'a> {
    /// Of a graph with these weights, in PyTorch's layouts.
    pub fn new(graph: &'a Graph, weights: Weights, trains: Box<dyn Fn(&str) -> bool + 'a>) -> Self {
        Sheet {
            graph,
            layers: Vec::new(),
            weights,
            values: vec![None; graph.nodes().len()],
            consumers: graph.consumers(),
            trains,
        }
    }

    /// Says which layer gives what a node gives.
    pub fn set(&mut self, node: usize, layer: usize) {
        if let Some(place) = self.values.get_mut(node) {
            *place = Some(layer);
        }
    }

    /// The layer that gives what a node gives.
    ///
    /// # Errors
    /// It has not been written.
    pub fn value(&self, node: usize) -> Result<usize, Error> {
        let value = self.values.get(node).copied().flatten();
        value
            .ok_or_else(|| Error::Inexpressible(format!("node {node} of the network has no value")))
    }

    /// A name that no layer has yet.
    pub fn name(&self, wanted: &str) -> String {
        let is_taken = |name: &str| self.layers.iter().any(|layer| layer.name == name);
        let mut name = wanted.to_owned();
        let mut n = 2;
        while is_taken(&name) {
            name = format!("{wanted}_{n}");
            n += 1;
        }
        name
    }
}

/// A node that is being written.
pub struct Place<'p, 'a> {
    sheet: &'p mut Sheet<'a>,
    pub node: &'a Node,
}

impl<'p, 'a> Place<'p, 'a> {
    /// Of a node.
    pub fn new(sheet: &'p mut Sheet<'a>, node: &'a Node) -> Self {
        Place { sheet, node }
    }

    /// The graph.
    pub fn graph(&self) -> &'a Graph {
        self.sheet.graph
    }

    /// The shape of its first input.
    ///
    /// # Errors
    /// It has none.
    pub fn shape(&self) -> Result<Shape, Error> {
        let shapes = self.sheet.graph.inputs(self.node);
        shapes
            .first()
            .copied()
            .ok_or_else(|| self.wrong("takes nothing"))
    }

    /// The layers that give what it takes.
    ///
    /// # Errors
    /// They are not there yet.
    pub fn inputs(&self) -> Result<Vec<usize>, Error> {
        let nodes = self.node.inputs.iter();
        nodes.map(|node| self.sheet.value(*node)).collect()
    }

    /// The layer that gives what it takes.
    ///
    /// # Errors
    /// There is none.
    pub fn input(&self) -> Result<usize, Error> {
        let first = self.inputs()?.first().copied();
        first.ok_or_else(|| self.wrong("takes nothing"))
    }

    /// Its tensor `suffix` as the network has it, under Keras's name and in this shape.
    ///
    /// # Errors
    /// It has none.
    pub fn array(
        &mut self,
        suffix: &str,
        name: &'static str,
        shape: &[usize],
    ) -> Result<Array, Error> {
        let full = self.node.tensor_name(suffix);
        let parameter = self.node.parameters.iter().find(|p| p.name == full);
        let tensor = self.sheet.weights.remove(&full);
        let (Some(parameter), Some(tensor)) = (parameter, tensor) else {
            return Err(Error::Inexpressible(format!(
                "the network has no tensor {full}"
            )));
        };
        Ok(Array {
            name,
            shape: shape.to_vec(),
            values: from_file(parameter, &tensor.data),
        })
    }

    /// Adds a layer that takes what `inputs` give; its name is the node's, or a part of it.
    pub fn push(
        &mut self,
        part: &str,
        class: Class,
        options: Value,
        (inputs, output): (Vec<usize>, Vec<usize>),
        arrays: Vec<Array>,
    ) -> usize {
        // With PyTorch as its backend, Keras takes no dots.
        let own = self.node.name.replace('.', "_");
        let name = match part {
            "" => own,
            part => format!("{own}_{part}"),
        };
        let trains = |parameter: &crate::graph::Parameter| (self.sheet.trains)(&parameter.name);
        let trainable = arrays.is_empty() || self.node.parameters.iter().any(trains);
        let options = match options {
            Value::Object(options) => options,
            _ => Map::new(),
        };
        self.sheet.layers.push(Layer {
            name: self.sheet.name(&name),
            class,
            options,
            inputs,
            output,
            trainable,
            arrays,
            module: self.node.module.clone(),
        });
        self.sheet.layers.len() - 1
    }

    /// Lets the layer before end in this activation, where that can and nothing else takes what it gives; that layer.
    ///
    /// # Errors
    /// There is none.
    pub fn activate(&mut self, activation: &str) -> Result<Option<usize>, Error> {
        let before = self.input()?;
        let alone = |node: &usize| {
            self.sheet
                .consumers
                .get(*node)
                .is_some_and(|all| all.len() == 1)
        };
        let is_alone = self.node.inputs.first().is_some_and(alone);
        let Some(layer) = self.sheet.layers.get_mut(before) else {
            return Ok(None);
        };
        if !is_alone || layer.module != self.node.module {
            return Ok(None);
        }
        Ok(layer.activate(activation).then_some(before))
    }

    /// What is wrong with it.
    pub fn wrong(&self, why: &str) -> Error {
        Error::Inexpressible(format!(
            "Keras's own layers cannot express it: layer {} {why}",
            self.node.name
        ))
    }
}

impl Layer {
    /// Lets it end in this activation; false where it cannot.
    pub fn activate(&mut self, activation: &str) -> bool {
        let can = self.class.activates && !self.options.contains_key("activation");
        if can {
            self.options.insert("activation".into(), activation.into());
        }
        can
    }
}
