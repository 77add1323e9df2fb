//! The chain of named layers without its weights: enough to check, summarize and plan a run.

use super::layer::{Layer, Parameter};
use super::shape::Shape;
use crate::spec::Activation;

/// One named layer at its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub name: String,
    pub layer: Layer,
    pub input: Shape,
    pub output: Shape,
    pub parameters: Vec<Parameter>,
}

/// A whole network: the chain, and how much of it is frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    pub links: Vec<Link>,
    /// How many links belong to the backbone; the rest is the head.
    pub backbone: usize,
    /// The first so many links are frozen.
    pub frozen: usize,
    /// The function that turns the chain's last values, the logits, into probabilities.
    pub output: Activation,
}

impl Blueprint {
    /// The network's input.
    pub fn input(&self) -> Option<Shape> {
        self.links.first().map(|link| link.input)
    }

    /// Every tensor with whether it is trained, in the chain's order.
    pub fn parameters(&self) -> impl Iterator<Item = (&Parameter, bool)> {
        self.links.iter().enumerate().flat_map(move |(i, link)| {
            let trains = i >= self.frozen;
            link.parameters
                .iter()
                .map(move |p| (p, trains && p.role.is_weight()))
        })
    }

    /// Number of values in all tensors, moving statistics included, as Keras counts.
    pub fn parameter_count(&self) -> usize {
        self.parameters().map(|(p, _)| p.elements()).sum()
    }

    /// Number of values the optimizer changes.
    pub fn trainable_count(&self) -> usize {
        self.parameters()
            .filter(|(_, trained)| *trained)
            .map(|(p, _)| p.elements())
            .sum()
    }

    /// The name of the last frozen layer.
    pub fn boundary(&self) -> Option<&str> {
        self.frozen
            .checked_sub(1)
            .and_then(|i| self.links.get(i))
            .map(|link| link.name.as_str())
    }

    /// How many links give the same for an image in every step: the frozen ones, and right behind them
    /// those that hold no tensor and are not random. What they give is what can be kept as features.
    pub fn constant(&self) -> usize {
        let behind = self.links.iter().skip(self.frozen);
        let constant =
            behind.take_while(|link| link.parameters.is_empty() && !link.layer.is_random());
        self.frozen + constant.count()
    }

    /// Whether the frozen part gives the same output for an image in every epoch.
    pub fn frozen_part_is_constant(&self) -> bool {
        !self
            .links
            .iter()
            .take(self.frozen)
            .any(|link| link.layer.is_random())
    }
}

/// Builds a chain link by link.
#[derive(Debug)]
pub struct Builder {
    links: Vec<Link>,
    shape: Shape,
}

impl Builder {
    /// An empty chain for images of this shape.
    pub fn new(input: Shape) -> Self {
        Builder {
            links: Vec::new(),
            shape: input,
        }
    }

    /// The shape at the chain's end.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many links there are.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether there is no link yet.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Whether a link has this name.
    pub fn has(&self, name: &str) -> bool {
        self.links.iter().any(|link| link.name == name)
    }

    /// Appends a layer.
    ///
    /// # Errors
    /// Why it cannot stand there.
    pub fn push(&mut self, name: impl Into<String>, layer: Layer) -> Result<(), String> {
        let (name, input) = (name.into(), self.shape);
        let output = layer
            .output(input)
            .map_err(|why| format!("layer {name}: {why}"))?;
        let parameters = layer.parameters(&name, input);
        self.shape = output;
        self.links.push(Link {
            name,
            layer,
            input,
            output,
            parameters,
        });
        Ok(())
    }

    /// The finished chain.
    pub fn finish(self) -> Vec<Link> {
        self.links
    }
}
