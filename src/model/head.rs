//! The nodes of `[[head]]`.

use crate::graph::op::Activation;
use crate::graph::{Builder, Shape, Value};
use crate::spec::{self, Problem, Role, Spec, head_names};

/// Appends the head without its `pool`, which comes with the backbone; the activation of its last layer is returned
/// instead of applied, since losses are computed from the logits.
pub(super) fn push(
    graph: &mut Builder,
    features: Value,
    spec: &Spec,
    classes: usize,
) -> Result<spec::Activation, Problem> {
    let head = &spec.head;
    let mut output = spec::Activation::Linear;
    let mut x = features;
    for (i, (layer, name)) in head.iter().zip(head_names(head)).enumerate() {
        let problem = |why: String| Problem::new(format!("head.{i}"), why);
        if layer.role() == Role::Pooling {
            continue;
        }
        if graph.has(&name) {
            return Err(problem(format!("a layer named `{name}` is there already"))
                .help("give the layer another `name`"));
        }
        let mut activation = layer.activation();
        if i + 1 == head.len() {
            output = std::mem::replace(&mut activation, spec::Activation::Linear);
        }
        if let Some(option) = layer.layer.choice.missing(&layer.options).next() {
            let (kind, option) = (layer.layer, option.name);
            return Err(problem(format!("a {kind} layer needs `{option}`")));
        }
        let operation = (layer.layer.operation)(&layer.options, classes);
        x = match (operation, activation.function()) {
            (Some(op), None) => graph.push(&name, "", op, &[x]),
            (Some(op), Some(function)) => graph.push_activated(&name, "", op, function, x),
            (None, Some(function)) => graph.push(&name, "", Activation { function }, &[x]),
            (None, None) => Ok(x),
        }
        .map_err(problem)?;
    }
    let dense = head.iter().rposition(|layer| layer.role() == Role::Dense);
    match (graph.shape(x), dense) {
        (Shape::Vector { len, .. }, _) if len == classes => Ok(output),
        (Shape::Vector { len, .. }, Some(dense)) => Err(wrong_units(dense, len, classes)),
        (shape, _) => {
            let last = format!("head.{}", head.len().saturating_sub(1));
            let message = format!("the head gives {shape}, but the dataset has {classes} classes");
            let wanted = spec.training.loss.activation();
            Err(Problem::new(last, message).help(format!(
                "end it with `layer = \"dense\"`, `units = \"classes\"`, `activation = \"{wanted}\"`"
            )))
        }
    }
}

/// A last dense layer, which is `head.{at}`, of another width than there are classes.
fn wrong_units(at: usize, found: usize, classes: usize) -> Problem {
    let why = match (found, classes) {
        (1, 2) => "; here each class has a value of its own, also of two",
        _ => "",
    };
    let values = if found == 1 { "value" } else { "values" };
    let message =
        format!("the head ends in {found} {values}, but the dataset has {classes} classes{why}");
    Problem::new(format!("head.{at}.units"), message)
        .help("set `units = \"classes\"`, which always fits")
}
