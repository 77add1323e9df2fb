//! From `[freeze]` to the nodes that are frozen.

use crate::graph::Graph;
use crate::spec::{FreezeThrough, Problem, nearest};

/// For each node whether it is frozen; the first `backbone` ones are the backbone's.
///
/// # Errors
/// A boundary that is no layer, or one that leaves nothing to train.
pub(super) fn frozen(
    graph: &Graph,
    backbone: usize,
    through: &FreezeThrough,
) -> Result<Vec<bool>, Problem> {
    let count = frozen_nodes(graph, backbone, through)?;
    let trains = graph
        .parameters()
        .any(|(node, parameter)| node >= count && parameter.role.is_weight());
    if !trains {
        let message = "nothing is left to train: every layer with weights is frozen";
        return Err(problem(graph, message.into()));
    }
    Ok((0..graph.nodes().len()).map(|node| node < count).collect())
}

/// How many nodes are frozen, the images counted.
fn frozen_nodes(graph: &Graph, backbone: usize, through: &FreezeThrough) -> Result<usize, Problem> {
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
                return Err(problem(graph, message));
            }
            let frozen = modules.iter().take(n.saturating_sub(1));
            let last = frozen.filter_map(|module| module.nodes.last()).max();
            Ok(last.map_or(1, |last| last + 1))
        }
        FreezeThrough::Layer(path) => match graph.last_of(path) {
            Some(last) if last > 0 => Ok(last + 1),
            _ => {
                let nearest = nearest(path, graph.paths());
                let meant = nearest.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                Err(problem(graph, format!("`{path}` is not a layer{meant}")))
            }
        },
    }
}

fn problem(graph: &Graph, message: String) -> Problem {
    let modules = graph.modules();
    let names: Vec<&str> = modules.iter().map(|module| module.name).collect();
    Problem::new("freeze.through", message).help(format!(
        "\"none\", \"all\", or one of the layers: {}",
        names.join(", ")
    ))
}
