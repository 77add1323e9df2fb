//! The weights a run starts from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::fetch::{self, Cache, Hub, Progress};
use crate::model::weights;
use crate::model::{Blueprint, Weights};
use crate::spec::{self, Problem, Spec};

/// The models of the experiments a spec builds on: spec file and run id → `model.safetensors`.
pub type Upstream = HashMap<(PathBuf, String), PathBuf>;

/// The tensors a run does not initialize itself.
///
/// # Errors
/// Files that are missing or do not fit, and failed downloads.
pub fn weights(
    spec: &Spec,
    run_id: &str,
    blueprint: &Blueprint,
    upstream: &Upstream,
    (cache, hub): (&Cache, &Hub),
    progress: &dyn Progress,
) -> Result<Weights, Error> {
    if let Some(path) = &spec.training.initial_weights {
        return load(path, spec, blueprint, blueprint.graph.nodes().len());
    }
    let pretrained = if spec.backbone.include_top {
        blueprint.graph.nodes().len()
    } else {
        blueprint.backbone
    };
    match &spec.backbone.weights {
        spec::Weights::Random => Ok(Weights::new()),
        spec::Weights::File(path) => load(path, spec, blueprint, pretrained),
        spec::Weights::Imagenet => {
            let (arch, include_top) = (spec.backbone.arch, spec.backbone.include_top);
            let needed = weights::needed(arch, include_top);
            let path = fetch::imagenet(cache, hub, arch, &needed, progress)?;
            load(&path, spec, blueprint, pretrained)
        }
        spec::Weights::Experiment(path) => {
            let model = upstream
                .get(&(path.clone(), run_id.to_owned()))
                .ok_or_else(|| {
                    let message = format!("{} has left no model", path.display());
                    Problem::new("backbone.weights", message)
                })?;
            load(model, spec, blueprint, pretrained)
        }
    }
}

/// Reads the tensors of the first `nodes` nodes.
fn load(path: &Path, spec: &Spec, blueprint: &Blueprint, nodes: usize) -> Result<Weights, Error> {
    let graph = &blueprint.graph;
    let expected: Vec<(String, Vec<usize>)> = graph
        .parameters()
        .filter(|(node, _)| *node < nodes)
        .map(|(_, p)| (p.name.clone(), p.file_shape()))
        .collect();
    let whole_model = nodes == graph.nodes().len() && !spec.backbone.include_top;
    Ok(weights::load(path, spec.backbone.arch, &expected, &|_| {
        !whole_model
    })?)
}
