//! A network's graph as an ONNX graph, node by node.

use super::document::Attribute;
use super::place::{Place, Sheet, Value};
use super::primitives::Written;
use crate::export::Error;
use crate::graph::Op;

/// Writes every node, of which the first gives `images`. Gives the name of what the last one gives: a vector, by rows where
/// it is a flattened map.
///
/// # Errors
/// A graph that contradicts itself.
pub fn write(sheet: &mut Sheet<'_>, images: Value) -> Result<String, Error> {
    let graph = sheet.graph;
    let mut images = Some(images);
    for (index, node) in graph.nodes().iter().enumerate() {
        let value = match images.take() {
            Some(images) => images,
            None => written(&node.op).write(&mut Place::new(sheet, index, node))?,
        };
        sheet.set(index, value);
    }
    let last = graph.nodes().len().saturating_sub(1);
    let value = sheet.value(last)?.name.clone();
    let output = graph.nodes().get(last).map(|node| node.output);
    Ok(match output.and_then(|output| output.flattened()) {
        Some([h, w, c]) if h * w > 1 => by_rows(sheet, &value, [h, w, c]),
        _ => value,
    })
}

/// A flattened map, channels first, in the order that the program has.
fn by_rows(sheet: &mut Sheet<'_>, value: &str, [h, w, c]: [usize; 3]) -> String {
    let document = &mut sheet.document;
    let shape = [0, c as i64, h as i64, w as i64];
    let shape = document.ints(&format!("{value}/shape"), &shape);
    let map = document.node(&format!("{value}/map"), "Reshape", &[value, &shape], &[]);
    let axes = [("perm", Attribute::Ints(&[0, 2, 3, 1]))];
    let map = document.node(&format!("{value}/rows"), "Transpose", &[&map], &axes);
    let axis = [("axis", Attribute::Int(1))];
    document.node(&format!("{value}/flat"), "Flatten", &[&map], &axis)
}

/// How an operation is written.
fn written(op: &Op) -> &dyn Written {
    match op {
        Op::Activation(op) => op,
        Op::Add(op) => op,
        Op::Attention(op) => op,
        Op::AveragePool(op) => op,
        Op::BatchNorm(op) => op,
        Op::ClassToken(op) => op,
        Op::Concatenate(op) => op,
        Op::Convolution(op) => op,
        Op::Dense(op) => op,
        Op::DropPath(op) => op,
        Op::Dropout(op) => op,
        Op::Embed(op) => op,
        Op::Flatten(op) => op,
        Op::GlobalPool(op) => op,
        Op::Input(op) => op,
        Op::LayerNorm(op) => op,
        Op::LayerScale(op) => op,
        Op::MaxPool(op) => op,
        Op::Multiply(op) => op,
    }
}
