//! `[[head]]`: from the backbone's `[height, width, channels]` to a value per class.

use super::check::Check;
use super::choice::Chosen;
use crate::spec::defaults::head_names;
use crate::spec::types::{
    ACTIVATION, Activation, HeadKind, HeadLayer, HeadTable, Loss, Role, Spec, Table, Units,
};

pub(super) fn check(spec: &Spec, check: &mut Check) {
    let head = &spec.head;
    if spec.backbone.include_top {
        if !head.is_empty() {
            check.problem_with_help(
                "head",
                "a [[head]] contradicts `backbone.include_top = true`, which keeps the backbone's own",
                "remove one of the two",
            );
        }
        if spec.training.loss != Loss::CategoricalCrossentropy {
            let message =
                "the backbone's own top ends in softmax: it needs `categorical_crossentropy`";
            check.problem("training.loss", message);
        }
        return;
    }
    if head.is_empty() {
        check.problem_with_help(
            "head",
            "there is no [[head]]: nothing turns the backbone's output into a value per class",
            "add e.g. `[[head]]` with `layer = \"flatten\"`, then `[[head]]` with `layer = \"dense\"`, \
             `units = \"classes\"`, `activation = \"softmax\"`",
        );
        return;
    }
    for (at, layer) in head.iter().enumerate() {
        options(at, layer, check);
    }
    names(head, check);
    shape(head, check);
    end(spec, check);
}

fn options(at: usize, layer: &HeadLayer, check: &mut Check) {
    let choice = &layer.layer.row().choice;
    let chosen = Chosen {
        choice,
        tag: HeadTable::TAG,
        name: choice.name.to_owned(),
        subject: format!("a {} layer", choice.name),
    };
    let table = format!("head.{at}");
    check.choice(&table, &chosen, &layer.options, HeadLayer::choices());
}

/// Names are parts of tensors' names, so they are told apart and hold no dot.
fn names(head: &[HeadLayer], check: &mut Check) {
    let names = head_names(head);
    for (at, name) in names.iter().enumerate() {
        let own = head[at].name.is_some();
        let key = format!("head.{at}{}", if own { ".name" } else { "" });
        let is_good = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(is_good) {
            let message = format!("\"{name}\" cannot be a layer's name");
            check.problem_with_help(&key, message, "use letters, digits, `_` and `-`");
        }
        if let Some(other) = names[..at].iter().position(|earlier| earlier == name) {
            let message = format!("the layer name \"{name}\" is taken: `head.{other}` has it");
            check.problem(&key, message);
        }
    }
}

/// Exactly one layer makes a vector, and it stands before the first dense one.
fn shape(head: &[HeadLayer], check: &mut Check) {
    let makes_vector = |layer: &HeadLayer| matches!(layer.role(), Role::Pooling | Role::Vector);
    let is_pooling = |layer: &HeadLayer| layer.role() == Role::Pooling;
    if let Some(at) = head.iter().skip(1).position(is_pooling) {
        let kind = head[at + 1].layer;
        let message =
            format!("`{kind}` belongs to the backbone: it can only be the first layer of the head");
        check.problem_with_help(&format!("head.{}", at + 1), message, "move it to the front");
    }
    let mut vectors = (0..head.len()).filter(|at| makes_vector(&head[*at]));
    let dense = head.iter().position(|layer| layer.role() == Role::Dense);
    let first = vectors.next();
    if let Some(dense) = dense
        && first.is_none_or(|first| first > dense)
    {
        let kind = head[dense].layer;
        let makers = HeadKind::all().filter(|kind| kind.role == Role::Vector);
        let makers: Vec<String> = makers.map(|kind| format!("`layer = \"{kind}\"`")).collect();
        check.problem_with_help(
            &format!("head.{dense}"),
            format!("a {kind} layer needs a vector, and here it gets [height, width, channels]"),
            format!("put {} before it", makers.join(" or ")),
        );
    }
    for at in vectors {
        let kind = head[at].layer;
        let message = format!("`{kind}` has nothing to do here: the values are already a vector");
        check.problem_with_help(&format!("head.{at}.layer"), message, "remove this layer");
    }
}

/// The head ends in a value per class, as the loss needs it.
fn end(spec: &Spec, check: &mut Check) {
    let head = &spec.head;
    let Some((at, last)) = head.iter().enumerate().next_back() else {
        return;
    };
    let before = at.checked_sub(1).map(|at| (at, &head[at]));
    let is_linear = |layer: &HeadLayer| layer.activation() == Activation::Linear;
    let dense = match (last.role(), before) {
        (Role::Dense, _) => Some((at, last)),
        (Role::Function, Some((at, before)))
            if before.role() == Role::Dense && is_linear(before) =>
        {
            Some((at, before))
        }
        _ => None,
    };
    let wanted = spec.training.loss.activation();
    let Some((dense_at, dense)) = dense else {
        check.problem_with_help(
            &format!("head.{at}"),
            format!("the head does not end in a value per class: its last layer is `{}`", last.layer),
            format!("end it with `layer = \"dense\"`, `units = \"classes\"`, `activation = \"{wanted}\"`"),
        );
        let dense = head.iter().rposition(|layer| layer.role() == Role::Dense);
        return softmax_elsewhere(head, dense.unwrap_or(at), check);
    };
    units(spec, dense_at, dense, check);
    // Of images with several labels the loss is what is wrong.
    let is_lost = spec.dataset.multi_label && wanted == Activation::Softmax;
    if last.activation() != wanted && !is_lost {
        let key = match last.options.has(&ACTIVATION) {
            true => format!("head.{at}.activation"),
            false => format!("head.{at}"),
        };
        let (loss, found) = (spec.training.loss, last.activation());
        check.problem_with_help(
            &key,
            format!("with the loss {loss} the head must end in {wanted}, not {found}"),
            format!("set `activation = \"{wanted}\"`"),
        );
    }
    softmax_elsewhere(head, at, check);
}

fn units(spec: &Spec, at: usize, dense: &HeadLayer, check: &mut Check) {
    if let (Some(Units::Count(units)), Some(classes)) = (dense.units(), spec.class_count())
        && units != classes
    {
        let dataset = spec.dataset.name;
        let chosen = spec.dataset.classes.is_some();
        let source = if chosen {
            "`dataset.classes` names"
        } else {
            "there are"
        };
        check.problem_with_help(
            &format!("head.{at}.units"),
            format!("the head ends in {units} values, but {source} {classes} classes of {dataset}"),
            "set `units = \"classes\"`, which always fits",
        );
    }
}

fn softmax_elsewhere(head: &[HeadLayer], end: usize, check: &mut Check) {
    for (at, layer) in head.iter().enumerate().take(end) {
        if layer.activation() == Activation::Softmax {
            check.problem_with_help(
                &format!("head.{at}.activation"),
                "softmax can only be the end of the head",
                "inside the head use e.g. \"relu\"",
            );
        }
    }
}
