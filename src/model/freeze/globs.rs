//! The weights that `freeze.train` chooses.

use std::collections::BTreeSet;

use glob::Pattern;

use crate::graph::{Graph, Node, Parameter};
use crate::spec::{Problem, nearest};

/// Modules that are named in an error.
const SHOWN: usize = 12;

/// The names of the backbone's weights, its first `backbone` nodes, that a glob fits: itself, or a module that it lies in.
///
/// # Errors
/// A glob that fits none of them.
pub(super) fn chosen<'a>(
    graph: &'a Graph,
    backbone: usize,
    globs: &[String],
) -> Result<BTreeSet<&'a str>, Problem> {
    let mut all = BTreeSet::new();
    for (i, glob) in globs.iter().enumerate() {
        let key = format!("freeze.train.{i}");
        let pattern = Pattern::new(glob)
            .map_err(|error| Problem::new(&key, format!("`{glob}` is no glob: {}", error.msg)))?;
        let found = tensors(graph).filter(|(_, _, tensor)| tensor.role.is_weight());
        let found = found.filter(|(i, node, tensor)| *i < backbone && fits(&pattern, node, tensor));
        let names: Vec<&str> = found.map(|(_, _, tensor)| tensor.name.as_str()).collect();
        if names.is_empty() {
            return Err(unknown(graph, backbone, &pattern, &key));
        }
        all.extend(names);
    }
    Ok(all)
}

fn tensors(graph: &Graph) -> impl Iterator<Item = (usize, &Node, &Parameter)> {
    let nodes = graph.nodes().iter().enumerate();
    nodes.flat_map(|(i, node)| node.parameters.iter().map(move |tensor| (i, node, tensor)))
}

/// Whether a glob fits a tensor's name, or the path of a module that it lies in.
pub(in crate::model) fn fits(glob: &Pattern, node: &Node, tensor: &Parameter) -> bool {
    let mut paths = node.paths().chain(tensor.paths());
    paths.any(|path| glob.matches(path))
}

/// Why a glob fits no weight of the backbone.
fn unknown(graph: &Graph, backbone: usize, glob: &Pattern, key: &str) -> Problem {
    let is_in = |tensors: &dyn Fn(usize, &Parameter) -> bool| {
        let mut all = self::tensors(graph);
        all.any(|(i, node, tensor)| tensors(i, tensor) && fits(glob, node, tensor))
    };
    if is_in(&|i, _| i >= backbone) {
        let message = format!("`{glob}` fits only tensors of the head, which always trains");
        return Problem::new(key, message).help("remove it; an empty list trains the head alone");
    }
    if is_in(&|_, _| true) {
        let message = format!(
            "`{glob}` fits only moving statistics, which are no weights and are not trained"
        );
        let help = "name what is trained, e.g. the batch norm itself; see freeze.batch_norm";
        return Problem::new(key, message).help(help);
    }
    let mut nodes = graph.nodes().iter().skip(1);
    if nodes.any(|node| node.paths().any(|path| glob.matches(path))) {
        let message = format!("`{glob}` has no weights that could train");
        return Problem::new(key, message).help(modules(graph, backbone));
    }
    let meant = meant(graph, backbone, glob.as_str());
    let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
    let message = format!("`{glob}` fits no tensor and no module of the backbone{meant}");
    Problem::new(key, message).help(modules(graph, backbone))
}

/// The glob with the nearest name in the place of what stands between its wildcards.
fn meant(graph: &Graph, backbone: usize, glob: &str) -> Option<String> {
    let written = glob.trim_matches(['*', '.', '?']);
    let known = tensors(graph).filter(|(i, _, tensor)| *i < backbone && tensor.role.is_weight());
    let mut names: Vec<&str> = known
        .flat_map(|(_, _, tensor)| tensor.paths())
        .flat_map(|path| [path, path.rsplit('.').next().unwrap_or(path)])
        .collect();
    names.sort_by_key(|name| name.len());
    let near = nearest(written, names)?;
    Some(glob.replace(written, near))
}

fn modules(graph: &Graph, backbone: usize) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (_, node, _) in tensors(graph).filter(|(i, _, _)| *i < backbone) {
        if names.last() != Some(&node.module.as_str()) {
            names.push(&node.module);
        }
    }
    let more = if names.len() > SHOWN { ", …" } else { "" };
    names.truncate(SHOWN);
    format!(
        "globs over the backbone's tensors and modules, e.g. \"*.bias\"; its modules: {}{more}",
        names.join(", ")
    )
}
