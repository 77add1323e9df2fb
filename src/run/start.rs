//! The weights a run starts from.

mod hub;
mod origin;

pub use hub::describe;
pub use origin::{Origin, OriginKey};

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::preparation::Preparation;
use crate::fetch::{self, Cache, Hub};
use crate::model::weights::{self, Wanted};
use crate::model::{Blueprint, Weights};
use crate::progress::Progress;
use crate::spec::{self, Problem, Spec};

/// The models of the experiments a spec builds on: spec file and run id → `model.safetensors`.
pub type Upstream = HashMap<(PathBuf, String), PathBuf>;

/// What a run starts from.
#[derive(Debug, Default)]
pub struct Start {
    /// The tensors it does not initialize itself.
    pub weights: Weights,
    /// Where they were downloaded from, where they were.
    pub download: Option<Download>,
}

impl From<Weights> for Start {
    fn from(weights: Weights) -> Self {
        Start {
            weights,
            download: None,
        }
    }
}

/// Downloaded weights, as they can be cited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    pub repository: &'static str,
    /// The commit, branch or tag that was asked for, or the file.
    pub revision: String,
    /// The commit that the server said this was; none where it said nothing.
    pub commit: Option<String>,
}

/// What a run starts from, downloaded where it has to be.
///
/// # Errors
/// Files that are missing or do not fit, and failed downloads.
pub fn weights(
    spec: &Spec,
    run_id: &str,
    blueprint: &Blueprint,
    upstream: &Upstream,
    services: (&Cache, &Hub),
    progress: &dyn Progress,
) -> Result<Start, Error> {
    if let Some(path) = &spec.training.initial_weights {
        return Ok(load(path, spec, blueprint, blueprint.graph.nodes().len())?.into());
    }
    let pretrained = pretrained(spec, blueprint);
    match &spec.backbone.weights {
        spec::Weights::Random => Ok(Start::default()),
        spec::Weights::File(path) => Ok(load(path, spec, blueprint, pretrained)?.into()),
        spec::Weights::Imagenet | spec::Weights::Keras | spec::Weights::Hub(_) => {
            let Some(origin) = Origin::of(spec)? else {
                return Ok(Start::default());
            };
            let path = origin.file(services, progress)?;
            Ok(Start {
                weights: load_saying(&path, spec, blueprint, pretrained)?,
                download: Some(Download {
                    repository: origin.published().repository,
                    revision: origin.revision(),
                    commit: fetch::commit(&path),
                }),
            })
        }
        spec::Weights::Experiment(path) => {
            let model = upstream
                .get(&(path.clone(), run_id.to_owned()))
                .ok_or_else(|| {
                    let message = format!("{} has left no model", path.display());
                    Problem::new("backbone.weights", message)
                })?;
            Ok(load_saying(model, spec, blueprint, pretrained)?.into())
        }
    }
}

/// How a run's images are prepared.
///
/// # Errors
/// As [`Preparation::of`].
pub fn preparation(spec: &Spec, run_id: &str, upstream: &Upstream) -> Result<Preparation, Problem> {
    let file = match (&spec.training.initial_weights, &spec.backbone.weights) {
        (Some(path), _) | (None, spec::Weights::File(path)) => Some(path),
        (None, spec::Weights::Experiment(path)) => upstream.get(&(path.clone(), run_id.to_owned())),
        (
            None,
            spec::Weights::Imagenet
            | spec::Weights::Keras
            | spec::Weights::Hub(_)
            | spec::Weights::Random,
        ) => None,
    };
    Preparation::of(spec, file.map(PathBuf::as_path))
}

/// Whether the files that a run starts from fit it, before anything is trained; what is to be said of them.
///
/// # Errors
/// Files of another format or another network, at their key, and weights that nobody publishes.
pub fn check(
    spec: &Spec,
    blueprint: &Blueprint,
    checked: &mut Checked,
) -> Result<Option<String>, Problem> {
    let problem = |key: &str, error: weights::Error| {
        let problem = Problem::new(key, format!("`{key}`: {error}"));
        match error.help() {
            Some(help) => problem.help(help),
            None => problem,
        }
    };
    if let Some(path) = &spec.training.initial_weights {
        let wanted = wanted(spec, blueprint, blueprint.graph.nodes().len());
        let checked = checked.file(path, wanted);
        return checked.map_err(|error| problem("training.initial_weights", error));
    }
    let pretrained = wanted(spec, blueprint, pretrained(spec, blueprint));
    match &spec.backbone.weights {
        spec::Weights::File(path) => {
            let checked = checked.file(path, pretrained);
            checked.map_err(|error| problem("backbone.weights", error))
        }
        spec::Weights::Imagenet | spec::Weights::Keras | spec::Weights::Hub(_) => hub::check(spec),
        spec::Weights::Random | spec::Weights::Experiment(_) => Ok(None),
    }
}

/// Whether the backbone fits a run whose model a run of another experiment will have left.
///
/// # Errors
/// The first tensor that is missing, of another shape, or left over.
pub fn check_upstream(
    spec: &Spec,
    blueprint: &Blueprint,
    upstream: &Blueprint,
) -> Result<(), weights::Misfit> {
    let tensors = upstream.graph.parameters();
    let shapes = tensors.map(|(_, tensor)| (tensor.name.clone(), tensor.file_shape()));
    let wanted = wanted(spec, blueprint, pretrained(spec, blueprint));
    weights::check_shapes(&shapes.collect(), &wanted)
}

/// Files that were found to fit, so that a sweep looks at each once.
#[derive(Debug, Default)]
pub struct Checked(Vec<(PathBuf, Wanted, Option<String>)>);

impl Checked {
    fn file(&mut self, path: &Path, wanted: Wanted) -> Result<Option<String>, weights::Error> {
        let mut known = self.0.iter();
        if let Some((.., said)) = known.find(|(p, w, _)| p == path && *w == wanted) {
            return Ok(said.clone());
        }
        let said = weights::check(path, &wanted)?;
        self.0.push((path.to_owned(), wanted, said.clone()));
        Ok(said)
    }
}

/// How many nodes take their tensors from `backbone.weights`.
fn pretrained(spec: &Spec, blueprint: &Blueprint) -> usize {
    match spec.backbone.include_top {
        true => blueprint.graph.nodes().len(),
        false => blueprint.backbone,
    }
}

/// The tensors of the first `nodes` nodes.
fn wanted(spec: &Spec, blueprint: &Blueprint, nodes: usize) -> Wanted {
    let is_whole = nodes == blueprint.graph.nodes().len() && !spec.backbone.include_top;
    Wanted::of(spec.backbone.arch, blueprint, nodes, !is_whole)
}

/// As [`load`], and says how they were read: the plan did not have the file.
fn load_saying(
    path: &Path,
    spec: &Spec,
    blueprint: &Blueprint,
    nodes: usize,
) -> Result<Weights, Error> {
    let (weights, said) = weights::load_saying(path, &wanted(spec, blueprint, nodes))?;
    if let Some(said) = said {
        tracing::warn!("{said}");
    }
    Ok(weights)
}

/// Reads the tensors of the first `nodes` nodes.
fn load(path: &Path, spec: &Spec, blueprint: &Blueprint, nodes: usize) -> Result<Weights, Error> {
    Ok(weights::load(path, &wanted(spec, blueprint, nodes))?)
}
