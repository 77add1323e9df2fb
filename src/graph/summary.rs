//! A network's table, like Keras's `model.summary()`.

use std::fmt::Write as _;

use super::cut::Cut;
use super::node::{Graph, Node};
use crate::text::thousands;

/// A line of the table.
struct Row {
    cells: [String; 5],
    /// Whether it gives the same for an image in every step.
    constant: bool,
}

/// The table, a line a module: name, kinds, output shape, parameters, frozen or trained; then totals.
pub fn summary(graph: &Graph, cut: &Cut) -> String {
    let modules = graph.modules();
    let rows: Vec<Row> = modules
        .iter()
        .map(|module| row(module.name, &module.nodes, graph, cut))
        .collect();
    let header = ["layer", "kind", "output shape", "parameters", ""].map(String::from);
    let cells = || std::iter::once(&header).chain(rows.iter().map(|row| &row.cells));
    let widths: [usize; 5] =
        std::array::from_fn(|column| cells().map(|row| row[column].len()).max().unwrap_or(0));
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
    let constant = rows.iter().take_while(|row| row.constant).count();
    let mut text = String::new();
    for (i, [name, kind, shape, parameters, state]) in cells().enumerate() {
        let [w0, w1, w2, w3, _] = widths;
        let line = format!("{name:<w0$}  {kind:<w1$}  {shape:<w2$}  {parameters:>w3$}  {state}");
        let _ = writeln!(text, "{}", line.trim_end());
        if i == 0 || i == constant && i < rows.len() {
            let _ = writeln!(text, "{rule}");
        }
    }
    let _ = writeln!(text, "{rule}");
    let (total, trained) = (graph.parameter_count(), cut.trainable_count(graph));
    for (what, count) in [
        ("total", total),
        ("trainable", trained),
        ("other", total - trained),
    ] {
        let what = format!("{what} parameters");
        let _ = writeln!(text, "{what:<23}{:>12}", thousands(count));
    }
    text
}

fn row(name: &str, indices: &[usize], graph: &Graph, cut: &Cut) -> Row {
    let nodes = || indices.iter().filter_map(|i| graph.nodes().get(*i));
    let parameters: usize = nodes().map(Node::parameter_count).sum();
    let weights = nodes().flat_map(|node| node.parameters.iter().filter(|p| p.role.is_weight()));
    let trained = weights.map(|weight| cut.trains(weight));
    let (trained, frozen): (Vec<bool>, Vec<bool>) = trained.partition(|trains| *trains);
    let state = match (trained.is_empty(), frozen.is_empty()) {
        (true, true) => "",
        (true, false) => "frozen",
        (false, true) => "trained",
        (false, false) => "partly frozen",
    };
    let output = nodes().next_back().map(|node| node.output.to_string());
    Row {
        cells: [
            name.to_owned(),
            kinds(&nodes().collect::<Vec<_>>()),
            output.unwrap_or_default(),
            thousands(parameters),
            state.into(),
        ],
        constant: indices.iter().all(|i| cut.is_constant(*i)),
    }
}

/// `Conv2D`, `3 Conv2D`: the nodes with tensors by kind; of a module without any, its first node's kind.
fn kinds(nodes: &[&Node]) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for node in nodes.iter().filter(|node| !node.parameters.is_empty()) {
        match kinds.iter_mut().find(|(kind, _)| *kind == node.op.kind()) {
            Some((_, count)) => *count += 1,
            None => kinds.push((node.op.kind(), 1)),
        }
    }
    if kinds.is_empty() {
        return nodes.first().map_or("", |node| node.op.kind()).to_owned();
    }
    let shown = |(kind, count): &(&str, usize)| match count {
        1 => (*kind).to_owned(),
        _ => format!("{count} {kind}"),
    };
    kinds.iter().map(shown).collect::<Vec<_>>().join(", ")
}
