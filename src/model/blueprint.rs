//! From a spec to a network without its weights: enough to check, summarize and plan a run.

use super::weights::Weights as Tensors;
use super::{freeze, head};
use crate::graph::op::Op;
use crate::graph::{Builder, Cost, Cut, Graph, Node, Shape, Value, initial};
use crate::pixels::Sides;
use crate::spec::{Activation, Backbone, FreezeThrough, Problem, Role, Spec, Weights};
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
    /// A head that is its family's own but for the number of classes.
    pub classifier: Option<Classifier>,
    /// The function that turns the graph's result, the logits, into probabilities.
    pub output: Activation,
}

/// A dense layer in the place of the family's own classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classifier {
    /// Its name in the network: `dense`.
    pub layer: String,
    /// The name of the family's own, in files: `fc`.
    pub family: &'static str,
}

impl Classifier {
    /// The name in a file of one of its tensors; none for those of other layers.
    pub fn in_file(&self, tensor: &str) -> Option<String> {
        let rest = tensor
            .strip_prefix(self.layer.as_str())?
            .strip_prefix('.')?;
        Some(format!("{}.{rest}", self.family))
    }
}

/// The head's only layer with tensors, where it is dense and stands on the family's own pooling, and where a file has the
/// family's own names.
fn classifier(graph: &Graph, backbone: usize, spec: &Spec) -> Option<Classifier> {
    let family = spec.backbone.arch.family;
    let own_names = family.aliases().iter().all(|alias| alias.top);
    let pools = spec.head.first()?.role() == Role::Pooling;
    let head = graph.nodes().iter().skip(backbone);
    let mut layers = head.filter(|node| !node.parameters.is_empty());
    let only = layers.next().filter(|_| own_names && pools)?;
    let is_dense = matches!(only.op, Op::Dense(_));
    (is_dense && layers.next().is_none()).then(|| Classifier {
        layer: only.name.clone(),
        family: family.classifier(),
    })
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
            Builder::new(Shape::map(backbone.input_size, CHANNELS)).map_err(wrong_size)?;
        builder.set_drop_path(backbone.drop_path);
        let family = backbone.arch.family;
        builder.set_initializer(family.initializer().unwrap_or(initial::keras));
        let mut features = family.backbone(&mut builder, images).map_err(wrong_size)?;
        if spec.head.iter().any(|layer| layer.role() == Role::Pooling) {
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
            builder.set_initializer(initial::keras);
            head::push(&mut builder, features, spec, classes)?
        };
        let graph = builder.finish();
        let division = freeze::divide(&graph, nodes, &spec.freeze)?;
        Ok(Blueprint {
            classifier: classifier(&graph, nodes, spec),
            cut: division.cut,
            through: division.through,
            graph,
            backbone: nodes,
            output,
        })
    }

    /// Tensors under the names that a model's file has for them: the classifier's under the family's.
    pub fn named_for_file(&self, weights: Tensors) -> Tensors {
        let Some(classifier) = &self.classifier else {
            return weights;
        };
        let renamed =
            |(name, tensor): (String, _)| (classifier.in_file(&name).unwrap_or(name), tensor);
        weights.into_iter().map(renamed).collect()
    }

    /// The node that gives the features before the classifier: what the last layer with a kernel takes.
    pub fn features(&self) -> usize {
        let nodes = self.graph.nodes();
        let has_kernel = |node: &&Node| node.parameters.iter().any(|p| p.role.is_kernel());
        let last = nodes.iter().rev().find(has_kernel);
        last.and_then(|node| node.inputs.first().copied())
            .unwrap_or(0)
    }

    /// Number of values in all tensors, moving statistics included, as Keras counts.
    pub fn parameter_count(&self) -> usize {
        self.graph.parameter_count()
    }

    /// Number of values the optimizer changes.
    pub fn trainable_count(&self) -> usize {
        self.cut.trainable_count(&self.graph)
    }

    /// Multiply-accumulates of an image in the part that gives the same in every step.
    pub fn work_of_constant_part(&self) -> u64 {
        let constant = self.cut.constant().into_iter();
        let nodes = constant.filter_map(|node| self.graph.nodes().get(node));
        let work = nodes.map(|node| self.graph.multiplications(node));
        work.fold(0, u64::saturating_add)
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

    /// As [`Self::through`], with the last frozen node that has weights: the same for all boundaries that freeze the same
    /// weights.
    pub fn last_frozen(&self) -> Option<FreezeThrough> {
        let frozen = self.graph.nodes().get(..=self.through?)?;
        let has_weights = |node: &&Node| node.parameters.iter().any(|p| p.role.is_weight());
        Some(match frozen.iter().rev().find(has_weights) {
            Some(last) => FreezeThrough::Layer(last.name.clone()),
            None => FreezeThrough::None,
        })
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
    let trained = matches!(
        backbone.weights,
        Weights::Imagenet | Weights::Keras | Weights::Hub(_)
    ) && arch.family.top_wants_size();
    if trained && input_size != Sides::square(arch.input_size) {
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
