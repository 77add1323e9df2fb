//! From `[freeze]` to the weights that train.

mod globs;
#[cfg(test)]
mod tests;

use crate::graph::{Cut, Graph, Parameter, Statistics};
use crate::spec::{BatchNormMode, Freeze, FreezeThrough, Problem, nearest};

pub(super) use globs::fits;

/// What trains of a network.
pub(super) struct Division {
    pub cut: Cut,
    /// The last node of what is frozen, the images counted, where that is a beginning of the network: all weights behind
    /// it train. Batch norms that train in spite of it are not looked at.
    pub through: Option<usize>,
}

/// Divides a network, whose first `backbone` nodes are the backbone's.
///
/// # Errors
/// A boundary that is no layer, a glob that no weight of the backbone fits, nothing left to train.
pub(super) fn divide(graph: &Graph, backbone: usize, freeze: &Freeze) -> Result<Division, Problem> {
    let through = match &freeze.train {
        None => Some(frozen_nodes(graph, backbone, &freeze.through)? - 1),
        Some(_) => None,
    };
    let chosen = match &freeze.train {
        Some(globs) => globs::chosen(graph, backbone, globs)?,
        None => Default::default(),
    };
    let trains = |node: usize, parameter: &Parameter| match through {
        Some(last) => node > last,
        None => node >= backbone || chosen.contains(parameter.name.as_str()),
    };
    let weights = || graph.parameters().filter(|(_, p)| p.role.is_weight());
    if !weights().any(|(node, parameter)| trains(node, parameter)) {
        let key = match freeze.train {
            Some(_) => "freeze.train",
            None => "freeze.through",
        };
        let message = "nothing is left to train: every layer with weights is frozen";
        return Err(Problem::new(key, message).help(layers(graph)));
    }
    let first = weights().find(|(node, parameter)| trains(*node, parameter));
    let first = first.map_or(backbone, |(node, _)| node.min(backbone));
    let is_beginning = || weights().all(|(node, p)| trains(node, p) == (node >= first));
    let is_batch_norm = |node: usize| {
        let parameters = graph.nodes().get(node).map(|node| &node.parameters);
        parameters.is_some_and(|all| all.iter().any(|p| !p.role.is_weight()))
    };
    let (statistics, all_norms) = match freeze.batch_norm {
        BatchNormMode::Frozen => (Statistics::OfTrained, false),
        BatchNormMode::Statistics => (Statistics::OfAll, false),
        BatchNormMode::Train => (Statistics::OfAll, true),
    };
    let cut = Cut::new(graph, statistics, |node, parameter| {
        trains(node, parameter) || all_norms && is_batch_norm(node)
    });
    Ok(Division {
        cut,
        through: through.or_else(|| is_beginning().then(|| first.saturating_sub(1))),
    })
}

/// How many nodes are frozen, the images counted.
fn frozen_nodes(graph: &Graph, backbone: usize, through: &FreezeThrough) -> Result<usize, Problem> {
    let problem = |message: String| Problem::new("freeze.through", message).help(layers(graph));
    match through {
        FreezeThrough::None => Ok(1),
        FreezeThrough::All => Ok(backbone),
        FreezeThrough::Count(n) => {
            let modules = graph.modules();
            if *n > modules.len() + 1 {
                let message = format!(
                    "layers[:{n}] is more than the network's {} layers, the input layer counted",
                    modules.len() + 1
                );
                return Err(problem(message));
            }
            let frozen = modules.iter().take(n.saturating_sub(1));
            let last = frozen.filter_map(|module| module.nodes.last()).max();
            Ok(last.map_or(1, |last| last + 1))
        }
        FreezeThrough::Layer(path) => match graph.last_of(path) {
            Some(last) if last > 0 => Ok(last + 1),
            _ => {
                let nearest = nearest(path.trim_matches('.'), graph.paths());
                let meant = nearest.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                Err(problem(format!("`{path}` is not a layer{meant}")))
            }
        },
    }
}

fn layers(graph: &Graph) -> String {
    let modules = graph.modules();
    let names: Vec<&str> = modules.iter().map(|module| module.name).collect();
    format!(
        "\"none\", \"all\", or one of the layers: {}",
        names.join(", ")
    )
}
