//! A network's table, like Keras's `model.summary()` or torchinfo's.

use std::fmt::Write as _;

use super::cut::Cut;
use super::node::{Graph, Node};
use super::shape::Shape;
use crate::text::{shorten, si, thousands};

/// What has a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A module: what Keras counts as a layer.
    Modules,
    /// A single operation.
    Nodes,
}

/// What of a line's weights trains.
#[derive(Clone, Copy)]
enum State {
    /// It has no weights.
    Nothing,
    Frozen,
    Trained,
    Partly,
}

/// A line of the table.
struct Row<'a> {
    name: &'a str,
    kind: String,
    shape: Shape,
    parameters: usize,
    multiplications: u64,
    state: State,
    /// Whether it gives the same for an image in every step.
    constant: bool,
}

/// How a table is written.
#[derive(Clone, Copy)]
struct Style {
    /// Whether numbers, shapes and states are written in full.
    full: bool,
    shapes: bool,
    multiplications: bool,
    /// Characters at most; 0 leaves the column out.
    kinds: usize,
    names: usize,
}

const FULL: Style = Style {
    full: true,
    shapes: true,
    multiplications: true,
    kinds: usize::MAX,
    names: usize::MAX,
};

/// What is done until the table fits, first the least loss.
#[rustfmt::skip]
const STYLES: [Style; 8] = [
    FULL,
    Style { full: false, ..FULL },
    Style { full: false, kinds: 28, names: 40, ..FULL },
    Style { full: false, kinds: 18, names: 30, ..FULL },
    Style { full: false, kinds: 0, names: 30, ..FULL },
    Style { full: false, kinds: 0, names: 24, shapes: false, ..FULL },
    Style { full: false, kinds: 0, names: 24, shapes: false, multiplications: false },
    Style { full: false, kinds: 0, names: 16, shapes: false, multiplications: false },
];

/// The table in lines of at most `width` columns (from 40 on): for each module or node its path, what it is, its output's
/// shape, parameters, multiply-accumulates for one image, frozen or trained, with a rule behind what is constant; then the
/// totals.
pub fn summary(graph: &Graph, cut: &Cut, detail: Detail, width: usize) -> String {
    let rows = rows(graph, cut, detail);
    let fits = |style: &&Style| cells(&rows, **style).1 <= width;
    let style = STYLES.iter().find(fits).or(STYLES.last());
    let (lines, wide) = cells(&rows, *style.unwrap_or(&FULL));
    let rule = "─".repeat(wide);
    let constant = rows.iter().take_while(|row| row.constant).count();
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        let _ = writeln!(text, "{line}");
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

fn rows<'a>(graph: &'a Graph, cut: &Cut, detail: Detail) -> Vec<Row<'a>> {
    let node = |i: usize| graph.nodes().get(i);
    let lines: Vec<(&str, Vec<usize>)> = match detail {
        Detail::Modules => {
            let modules = graph.modules().into_iter();
            modules.map(|module| (module.name, module.nodes)).collect()
        }
        Detail::Nodes => {
            let nodes = graph.nodes().iter().enumerate().skip(1);
            nodes
                .map(|(i, node)| (node.name.as_str(), vec![i]))
                .collect()
        }
    };
    let row = |(name, indices): (&'a str, Vec<usize>)| {
        let nodes: Vec<&Node> = indices.iter().filter_map(|i| node(*i)).collect();
        Row {
            name,
            kind: kinds(&nodes),
            shape: nodes.last().map_or(Shape::vector(0), |node| node.output),
            parameters: nodes.iter().map(|node| node.parameter_count()).sum(),
            multiplications: nodes.iter().map(|n| graph.multiplications(n)).sum(),
            state: state(&nodes, cut),
            constant: indices.iter().all(|i| cut.is_constant(*i)),
        }
    };
    lines.into_iter().map(row).collect()
}

/// `3 Conv2D`: the nodes with tensors by kind; of a module without any, its first node's kind.
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

fn state(nodes: &[&Node], cut: &Cut) -> State {
    let tensors = nodes.iter().flat_map(|node| &node.parameters);
    let weights = tensors.filter(|tensor| tensor.role.is_weight());
    let (trained, frozen): (Vec<bool>, Vec<bool>) = weights
        .map(|weight| cut.trains(weight))
        .partition(|trains| *trains);
    match (trained.is_empty(), frozen.is_empty()) {
        (true, true) => State::Nothing,
        (true, false) => State::Frozen,
        (false, true) => State::Trained,
        (false, false) => State::Partly,
    }
}

impl State {
    fn word(self, full: bool) -> &'static str {
        match self {
            State::Nothing => "",
            State::Frozen => "frozen",
            State::Trained => "trained",
            State::Partly if full => "partly frozen",
            State::Partly => "partly",
        }
    }
}

impl Style {
    /// The titles, with whether what stands below is set to the right.
    fn titles(self) -> Vec<(String, bool)> {
        let parameters = if self.full { "parameters" } else { "params" };
        let columns = [
            ("layer", true, false),
            ("kind", self.kinds > 0, false),
            ("output shape", self.shapes, false),
            (parameters, true, true),
            ("MACs", self.multiplications, true),
            ("", true, false),
        ];
        let shown = columns.into_iter().filter(|(_, is_shown, _)| *is_shown);
        shown
            .map(|(title, _, right)| (title.to_owned(), right))
            .collect()
    }

    fn cells(self, row: &Row<'_>) -> Vec<String> {
        let dims: Vec<String> = row.shape.dims().iter().map(ToString::to_string).collect();
        let (shape, parameters, multiplications) = match self.full {
            true => (
                row.shape.to_string(),
                thousands(row.parameters),
                thousands(row.multiplications as usize),
            ),
            false => (
                dims.join("×"),
                si(row.parameters as u64),
                si(row.multiplications),
            ),
        };
        let columns = [
            (shorten(row.name, self.names), true),
            (shorten(&row.kind, self.kinds), self.kinds > 0),
            (shape, self.shapes),
            (parameters, true),
            (multiplications, self.multiplications),
            (row.state.word(self.full).to_owned(), true),
        ];
        let shown = columns.into_iter().filter(|(_, is_shown)| *is_shown);
        shown.map(|(cell, _)| cell).collect()
    }
}

/// The lines, the titles first, and how wide the table is.
fn cells(rows: &[Row<'_>], style: Style) -> (Vec<String>, usize) {
    let titles = style.titles();
    let title = titles.iter().map(|(title, _)| title.clone()).collect();
    let table: Vec<Vec<String>> = std::iter::once(title)
        .chain(rows.iter().map(|row| style.cells(row)))
        .collect();
    let widths: Vec<usize> = (0..titles.len())
        .map(|column| {
            let cells = table.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&titles).zip(&widths);
        let cells = cells.map(|((cell, (_, right)), width)| match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let wide = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    (table.iter().map(line).collect(), wide)
}
