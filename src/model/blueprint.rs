//! From a spec to a network without its weights: enough to check, summarize and plan a run.

use super::{freeze, head};
use crate::graph::{Builder, Cost, Cut, Graph, Shape, Value};
use crate::spec::{Activation, Backbone, FreezeThrough, HeadKind, Problem, Spec, Weights};
use crate::text::counted;
use crate::zoo::IMAGENET_CLASSES;

/// Colour channels of every network's input.
const CHANNELS: usize = 3;

/// A whole network: its graph, and what of it is frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    pub graph: Graph,
    pub cut: Cut,
    /// The last node of what is frozen, the images counted, where that is a beginning of the network.
    pub through: Option<usize>,
    /// How many nodes belong to the backbone, its own pooling included; the rest is the head.
    pub backbone: usize,
    /// The function that turns the graph's result, the logits, into probabilities.
    pub output: Activation,
}

impl Blueprint {
    /// The network a spec describes, for a dataset of `classes` classes.
    ///
    /// # Errors
    /// A head that does not fit, an input too small, a freeze boundary that is not a layer, a glob that fits no weight.
    pub fn new(spec: &Spec, classes: usize) -> Result<Blueprint, Problem> {
        let backbone = &spec.backbone;
        let wrong_size =
            |why| Problem::new("backbone.input_size", format!("{}: {why}", backbone.arch));
        let (mut builder, images) =
            Builder::new(Shape::square(backbone.input_size, CHANNELS)).map_err(wrong_size)?;
        builder.set_drop_path(backbone.drop_path);
        let family = backbone.arch.family;
        let mut features = family.backbone(&mut builder, images).map_err(wrong_size)?;
        if spec.head.iter().any(|layer| layer.layer == HeadKind::Pool) {
            let pooled = family.pool(&mut builder, features);
            features = pooled.map_err(|why| Problem::new("head.0", why))?;
        }
        if backbone.drop_path > 0.0 && !builder.has_random() {
            let message = format!("{} has no residual branches to drop", backbone.arch);
            let problem = Problem::new("backbone.drop_path", message);
            return Err(problem.help("leave it out"));
        }
        let nodes = builder.len();
        let output = if backbone.include_top {
            push_top(&mut builder, features, backbone, classes)?;
            Activation::Softmax
        } else {
            head::push(&mut builder, features, spec, classes)?
        };
        let graph = builder.finish();
        let division = freeze::divide(&graph, nodes, &spec.freeze)?;
        Ok(Blueprint {
            cut: division.cut,
            through: division.through,
            graph,
            backbone: nodes,
            output,
        })
    }

    /// Number of values in all tensors, moving statistics included, as Keras counts.
    pub fn parameter_count(&self) -> usize {
        self.graph.parameter_count()
    }

    /// Number of values the optimizer changes.
    pub fn trainable_count(&self) -> usize {
        self.cut.trainable_count(&self.graph)
    }

    /// What is frozen, in words: `nothing frozen`, `frozen through layer3`, `9 of 60 tensors of the backbone trained`.
    pub fn frozen(&self) -> String {
        match self.through {
            Some(0) => "nothing frozen".into(),
            Some(last) => format!("frozen through {}", self.graph.through(last)),
            None => {
                let tensors = self.graph.parameters();
                let weights = tensors.filter(|(i, p)| *i < self.backbone && p.role.is_weight());
                let all: Vec<bool> = weights.map(|(_, p)| self.cut.trains(p)).collect();
                let trained = all.iter().filter(|trains| **trains).count();
                let all = counted(all.len(), "tensor");
                format!("{trained} of {all} of the backbone trained")
            }
        }
    }

    /// The boundary in the usual words: "none", "all", or the name of a module; none where no name says it.
    pub fn through(&self) -> Option<FreezeThrough> {
        let last = self.through?;
        if last == 0 {
            return Some(FreezeThrough::None);
        }
        if last + 1 == self.backbone {
            return Some(FreezeThrough::All);
        }
        let name = self.graph.through(last);
        let is_there = self.graph.last_of(name) == Some(last);
        is_there.then(|| FreezeThrough::Layer(name.to_owned()))
    }

    /// What it costs to train with an optimizer that keeps `moments` values a weight.
    pub fn cost(&self, moments: usize) -> Cost {
        Cost::of(&self.graph, &self.cut, moments)
    }
}

fn push_top(
    graph: &mut Builder,
    features: Value,
    backbone: &Backbone,
    classes: usize,
) -> Result<(), Problem> {
    let Backbone {
        arch, input_size, ..
    } = *backbone;
    if classes != IMAGENET_CLASSES {
        return Err(Problem::new(
            "backbone.include_top",
            format!(
                "the original head gives {IMAGENET_CLASSES} classes, the dataset has {classes}"
            ),
        )
        .help("remove include_top and describe a new head in [[head]]"));
    }
    let trained = backbone.weights == Weights::Imagenet && arch.family.top_wants_size();
    if trained && input_size != arch.input_size {
        let size = arch.input_size;
        let message = format!(
            "the original head of {arch} was trained on images of {size}, not {input_size}"
        );
        return Err(Problem::new("backbone.input_size", message)
            .help(format!("set input_size = {size}, or remove include_top")));
    }
    let top = arch.family.top(graph, features, classes);
    top.map_err(|why| Problem::new("backbone.include_top", why))?;
    Ok(())
}
