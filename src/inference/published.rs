//! A whole network as it was published, used without a run: what a spec with `backbone.include_top` says.

use std::path::Path;

use super::model::check_memory;
use super::{Error, Model};
use crate::data::View;
use crate::device::{self, Chosen};
use crate::fetch::{Cache, Hub, Progress};
use crate::model::{Blueprint, Network};
use crate::spec::{Experiment, NormalizationScheme, Problem, Spec, Weights};
use crate::sweep::{self, Preparation, Upstream};
use crate::zoo::{IMAGENET_CLASSES, imagenet_classes};

/// Opens the network of a spec with its published weights, which are downloaded where they are not in the cache.
///
/// # Errors
/// A wrong spec, one whose network has yet to be trained; weights that cannot be had or do not fit.
pub(super) fn open(
    path: &Path,
    overrides: &[String],
    progress: &dyn Progress,
) -> Result<Model, Error> {
    let experiment = Experiment::load(path, overrides)?;
    let [run] = &experiment.runs[..] else {
        let runs = experiment.runs.len();
        let problem = Problem::new(
            "sweep.axes",
            format!("this spec has {runs} runs; only one network can be asked"),
        )
        .help("set the swept keys, e.g. --set backbone.arch=resnet50, in a spec without [sweep]");
        return Err(Error::Spec(experiment.problem(None, &problem).into()));
    };
    let located = |problem: Problem| Error::Spec(experiment.problem(Some(run), &problem).into());
    check(&run.spec, path).map_err(located)?;
    let blueprint = Blueprint::new(&run.spec, IMAGENET_CLASSES).map_err(located)?;
    let mut checked = sweep::Checked::default();
    let said = sweep::check_start(&run.spec, &blueprint, &mut checked).map_err(located)?;
    let preparation = Preparation::planned(&run.spec).map_err(located)?;
    let preparation = preparation.ok_or_else(|| located(untrained(path)))?;
    for said in said.iter().chain(&preparation.assumption) {
        tracing::warn!("{said}");
    }
    check_memory(&blueprint).map_err(|why| located(Problem::new("backbone.arch", why)))?;
    let Chosen { device, name, .. } = device::choose(&run.spec.training).map_err(located)?;
    let (cache, hub) = (Cache::from_env()?, Hub::from_env());
    let services = (&cache, &hub);
    let start = sweep::initial_weights(
        &run.spec,
        &run.id,
        &blueprint,
        &Upstream::new(),
        services,
        progress,
    )?;
    Ok(Model {
        path: path.to_owned(),
        network: Network::new(blueprint, &start.weights, run.spec.seed, &device)?,
        classes: imagenet_classes().map(|class| class.name.into()).collect(),
        synsets: imagenet_classes()
            .map(|class| class.synset.into())
            .collect(),
        resizing: preparation.resizing,
        normalizer: preparation.normalizer(&run.spec, &View::default()),
        spec: Spec::clone(&run.spec),
        device,
        device_name: name,
    })
}

/// Refuses a spec that says more than its weights can answer.
fn check(spec: &Spec, path: &Path) -> Result<(), Problem> {
    if spec.training.initial_weights.is_some() {
        return Err(Problem::new(
            "training.initial_weights",
            "`training.initial_weights` is where training starts; a network as it was published has backbone.weights",
        )
        .help("name the model itself instead of the spec"));
    }
    if !spec.backbone.include_top {
        return Err(untrained(path));
    }
    if matches!(
        spec.backbone.weights,
        Weights::Random | Weights::Experiment(_)
    ) {
        return Err(Problem::new(
            "backbone.weights",
            "the original classifier has yet to be trained: `backbone.weights` are no published ones",
        )
        .help("set backbone.weights = \"imagenet\", or a file that holds the whole network"));
    }
    if spec.normalization.scheme == NormalizationScheme::Standardize {
        return Err(Problem::new(
            "normalization.scheme",
            "\"standardize\" takes its numbers from training images, and nothing is trained here",
        )
        .help("set normalization.scheme = \"pretrained\""));
    }
    Ok(())
}

/// A network with a head that no weights are published for.
fn untrained(path: &Path) -> Problem {
    let spec = path.display();
    Problem::new(
        "backbone.include_top",
        "the network of this spec has yet to be trained",
    )
    .help(format!(
        "runner {spec} trains it; then name its run, results/<name>/runs/<run>, instead of the spec. With \
         backbone.include_top = true and no [[head]], the original classifier answers without training"
    ))
}
