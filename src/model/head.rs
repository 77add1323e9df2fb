//! The nodes of `[[head]]`.

use crate::graph::op::{
    self, Activation, BatchNorm, Dense, Dropout, Flatten, Function, GlobalPool,
};
use crate::graph::{Builder, Op, Shape, Value};
use crate::spec::{self, HeadKind, HeadLayer, Problem, Units, head_names};

/// Appends the head; the activation of its last layer is returned instead of applied, since losses
/// are computed from the logits.
pub(super) fn push(
    graph: &mut Builder,
    features: Value,
    head: &[HeadLayer],
    classes: usize,
) -> Result<spec::Activation, Problem> {
    let mut output = spec::Activation::Linear;
    let mut x = features;
    for (i, (spec, name)) in head.iter().zip(head_names(head)).enumerate() {
        let problem = |why: String| Problem::new(format!("head.{i}"), why);
        if graph.has(&name) {
            return Err(problem(format!("a layer named `{name}` is there already"))
                .help("give the layer another `name`"));
        }
        let mut activation = spec.activation();
        if i + 1 == head.len() {
            output = std::mem::replace(&mut activation, spec::Activation::Linear);
        }
        let operation = operation(spec, classes).map_err(problem)?;
        x = match (operation, function(activation)) {
            (Some(op), None) => graph.push(&name, "", op, &[x]),
            (Some(op), Some(function)) => graph.push_activated(&name, "", op, function, x),
            (None, Some(function)) => graph.push(&name, "", Activation { function }, &[x]),
            (None, None) => Ok(x),
        }
        .map_err(problem)?;
    }
    let last = format!("head.{}", head.len().saturating_sub(1));
    match graph.shape(x) {
        Shape::Vector { len, .. } if len == classes => Ok(output),
        shape => Err(Problem::new(
            last,
            format!("the head gives {shape}, but the dataset has {classes} classes"),
        )
        .help("end it with layer = \"dense\", units = \"classes\", activation = \"softmax\"")),
    }
}

/// What a layer does before its activation; none where that is all it does.
fn operation(spec: &HeadLayer, classes: usize) -> Result<Option<Op>, String> {
    Ok(Some(match spec.layer {
        HeadKind::Flatten => Flatten.into(),
        HeadKind::GlobalAveragePooling => GlobalPool.into(),
        HeadKind::Dense => Dense {
            units: match spec.units {
                Some(Units::Count(n)) => n,
                Some(Units::Classes) => classes,
                None => return Err("a dense layer needs `units`".into()),
            },
        }
        .into(),
        HeadKind::BatchNormalization => BatchNorm {
            momentum: spec.momentum(),
            epsilon: spec.epsilon(),
        }
        .into(),
        HeadKind::Dropout => op::Op::from(Dropout { rate: spec.rate() }),
        HeadKind::Activation if spec.activation.is_none() => {
            return Err("an activation layer needs `activation`, e.g. \"relu\"".into());
        }
        HeadKind::Activation => return Ok(None),
    }))
}

fn function(activation: spec::Activation) -> Option<Function> {
    Some(match activation {
        spec::Activation::Linear => return None,
        spec::Activation::Relu => Function::Relu,
        spec::Activation::Tanh => Function::Tanh,
        spec::Activation::Sigmoid => Function::Sigmoid,
        spec::Activation::Softmax => Function::Softmax,
    })
}
