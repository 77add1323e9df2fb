//! From a spec to a blueprint: backbone, head, and the place of the freeze boundary.

use super::blueprint::{Blueprint, Builder, Link};
use super::layer::Layer;
use super::shape::Shape;
use super::{squeezenet, vgg};
use crate::spec::{
    Activation, Backbone, FreezeThrough, HeadKind, HeadLayer, Problem, Spec, Units, Weights,
    head_names, nearest,
};

/// Classes of ImageNet, and so of every original head.
pub const IMAGENET_CLASSES: usize = 1000;

/// The side of the images that VGG's original dense layers fit.
const IMAGENET_SIZE: usize = 224;

/// Colour channels of every network's input.
const CHANNELS: usize = 3;

impl Blueprint {
    /// The network a spec describes, for a dataset of `classes` classes.
    ///
    /// # Errors
    /// A head that does not fit, an input too small, a freeze boundary that is not a layer.
    pub fn new(spec: &Spec, classes: usize) -> Result<Blueprint, Problem> {
        let mut chain = Builder::new(Shape::square(spec.backbone.input_size, CHANNELS));
        push_backbone(&mut chain, &spec.backbone)?;
        let backbone = chain.len();
        let output = if spec.backbone.include_top {
            push_top(&mut chain, &spec.backbone, classes)?;
            Activation::Softmax
        } else {
            push_head(&mut chain, &spec.head, classes)?
        };
        let links = chain.finish();
        let frozen = frozen_links(&links, backbone, &spec.freeze.through)?;
        Ok(Blueprint {
            links,
            backbone,
            frozen,
            output,
        })
    }
}

fn push_backbone(chain: &mut Builder, backbone: &Backbone) -> Result<(), Problem> {
    match vgg::plan(backbone.arch) {
        Some((convolutions, batch_norm)) => vgg::backbone(chain, convolutions, batch_norm),
        None => squeezenet::backbone(chain),
    }
    .map_err(|why| Problem::new("backbone.input_size", format!("{}: {why}", backbone.arch)))
}

fn push_top(chain: &mut Builder, backbone: &Backbone, classes: usize) -> Result<(), Problem> {
    if classes != IMAGENET_CLASSES {
        return Err(Problem::new(
            "backbone.include_top",
            format!(
                "the original head gives {IMAGENET_CLASSES} classes, the dataset has {classes}"
            ),
        )
        .help("remove include_top and describe a new head in [[head]]"));
    }
    let is_vgg = vgg::plan(backbone.arch).is_some();
    if is_vgg && backbone.weights == Weights::Imagenet && backbone.input_size != IMAGENET_SIZE {
        let message = format!(
            "the original head of {} was trained on images of {IMAGENET_SIZE}, not {}",
            backbone.arch, backbone.input_size
        );
        return Err(Problem::new("backbone.input_size", message).help(format!(
            "set input_size = {IMAGENET_SIZE}, or remove include_top"
        )));
    }
    if is_vgg {
        vgg::top(chain, classes)
    } else {
        squeezenet::top(chain, classes)
    }
    .map_err(|why| Problem::new("backbone.include_top", why))
}

/// Appends the head; the activation of its last layer is returned instead of applied, since losses
/// are computed from the logits.
fn push_head(
    chain: &mut Builder,
    head: &[HeadLayer],
    classes: usize,
) -> Result<Activation, Problem> {
    let mut output = Activation::Linear;
    for (i, (spec, name)) in head.iter().zip(head_names(head)).enumerate() {
        let problem = |why: String| Problem::new(format!("head.{i}"), why);
        if chain.has(&name) {
            return Err(problem(format!("a layer named `{name}` is there already"))
                .help("give the layer another `name`"));
        }
        let is_last = i + 1 == head.len();
        let mut layer = head_layer(spec, classes).map_err(problem)?;
        if let (true, Layer::Dense { activation, .. }) = (is_last, &mut layer) {
            output = std::mem::replace(activation, Activation::Linear);
        }
        match layer {
            Layer::Activation(activation) if is_last => output = activation,
            layer => chain.push(name, layer).map_err(problem)?,
        }
    }
    let last = format!("head.{}", head.len().saturating_sub(1));
    match chain.shape() {
        Shape::Vector { len, .. } if len == classes => Ok(output),
        shape => Err(Problem::new(
            last,
            format!("the head gives {shape}, but the dataset has {classes} classes"),
        )
        .help("end it with layer = \"dense\", units = \"classes\", activation = \"softmax\"")),
    }
}

fn head_layer(spec: &HeadLayer, classes: usize) -> Result<Layer, String> {
    Ok(match spec.layer {
        HeadKind::Flatten => Layer::Flatten,
        HeadKind::GlobalAveragePooling => Layer::GlobalAveragePooling,
        HeadKind::Dense => Layer::Dense {
            units: match spec.units {
                Some(Units::Count(n)) => n,
                Some(Units::Classes) => classes,
                None => return Err("a dense layer needs `units`".into()),
            },
            activation: spec.activation.unwrap_or(Activation::Linear),
        },
        HeadKind::BatchNormalization => Layer::BatchNormalization {
            momentum: spec.momentum(),
            epsilon: spec.epsilon(),
            relu: false,
        },
        HeadKind::Dropout => Layer::Dropout { rate: spec.rate() },
        HeadKind::Activation => Layer::Activation(
            spec.activation
                .ok_or("an activation layer needs `activation`, e.g. \"relu\"")?,
        ),
    })
}

/// How many links are frozen.
fn frozen_links(
    links: &[Link],
    backbone: usize,
    through: &FreezeThrough,
) -> Result<usize, Problem> {
    let problem = |message: String| {
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        Problem::new("freeze.through", message).help(format!(
            "\"none\", \"all\", or one of the layers: {}",
            names.join(", ")
        ))
    };
    let frozen = match through {
        FreezeThrough::None => 0,
        FreezeThrough::All => backbone,
        FreezeThrough::Count(n) if *n > links.len() + 1 => {
            return Err(problem(format!(
                "layers[:{n}] is more than the network's {} layers, the input layer counted",
                links.len() + 1
            )));
        }
        FreezeThrough::Count(n) => n.saturating_sub(1),
        FreezeThrough::Layer(name) => match links.iter().position(|link| link.name == *name) {
            Some(i) => i + 1,
            None => {
                let nearest = nearest(name, links.iter().map(|link| link.name.as_str()));
                let meant = nearest.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                return Err(problem(format!("`{name}` is not a layer{meant}")));
            }
        },
    };
    let trains = links
        .iter()
        .skip(frozen)
        .flat_map(|link| &link.parameters)
        .any(|p| p.role.is_weight());
    if !trains {
        return Err(problem(
            "nothing is left to train: every layer with weights is frozen".into(),
        ));
    }
    Ok(frozen)
}
