//! A whole network as it was published, used without a run: what a spec with `backbone.include_top` says.

use std::path::Path;

use super::model::check_memory;
use super::{Error, Model};
use crate::data::View;
use crate::device::{self, Chosen};
use crate::fetch::{Cache, Hub};
use crate::foreign::{self, one_line};
use crate::graph::{Cut, Detail, Statistics, summary};
use crate::model::{Blueprint, Network};
use crate::progress::Progress;
use crate::run::{self, Preparation, Upstream};
use crate::spec::{Experiment, NormalizationScheme, Problem, Run, Spec, Weights};
use crate::text::{counted, si};
use crate::zoo::{IMAGENET_CLASSES, imagenet_classes};

/// A network as published, as far as it is known without its weights.
struct Planned {
    run: Run,
    blueprint: Blueprint,
    preparation: Preparation,
    device: Chosen,
    /// What is to be said of it: each a line.
    notes: Vec<String>,
}

impl Planned {
    fn new(path: &Path, overrides: &[String]) -> Result<Self, Error> {
        let experiment = Experiment::load(path, overrides)?;
        let [run] = &experiment.runs[..] else {
            let runs = experiment.runs.len();
            let problem = Problem::new(
                "sweep.axes",
                format!("this spec has {runs} runs; only one network can be asked"),
            )
            .help(
                "set the swept keys, e.g. --set backbone.arch=resnet50, in a spec without [sweep]",
            );
            return Err(Error::Spec(experiment.problem(None, &problem).into()));
        };
        let plan = || -> Result<Self, Problem> {
            let spec = &run.spec;
            check(spec, path)?;
            let blueprint = Blueprint::new(spec, IMAGENET_CLASSES)?;
            let mut checked = run::Checked::default();
            let said = run::check_start(spec, &blueprint, &mut checked)?;
            let preparation = Preparation::planned(spec)?.ok_or_else(|| untrained(path))?;
            check_memory(&blueprint).map_err(|why| Problem::new("backbone.arch", why))?;
            let notes = said.into_iter().chain(preparation.assumption.clone());
            Ok(Planned {
                notes: notes.collect(),
                device: device::choose(&spec.training)?,
                run: run.clone(),
                blueprint,
                preparation,
            })
        };
        plan().map_err(|problem| Error::Spec(experiment.problem(Some(run), &problem).into()))
    }
}

/// Opens the network of a spec with its published weights, which are downloaded where they are not in the cache.
///
/// # Errors
/// A wrong spec, one whose network has yet to be trained; weights that cannot be had or do not fit.
pub(super) fn open(
    path: &Path,
    overrides: &[String],
    progress: &dyn Progress,
) -> Result<Model, Error> {
    let Planned {
        run,
        blueprint,
        preparation,
        device: Chosen { device, name, .. },
        notes,
    } = Planned::new(path, overrides)?;
    for said in notes {
        tracing::warn!("{}", one_line(&said));
    }
    let (cache, hub) = (Cache::from_env()?, Hub::from_env());
    let services = (&cache, &hub);
    let start = run::initial_weights(
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
        normalizer: preparation.normalizer(&run.spec, &View::default())?,
        spec: Spec::clone(&run.spec),
        device,
        device_name: name,
    })
}

/// What `runner predict` would do with a spec, as text: the network, how images are prepared; nothing is downloaded. Its
/// table has a line per module or node, of at most `width` columns.
///
/// # Errors
/// As of [`Model::open_for_images`], but for the weights themselves.
pub fn check_published(
    path: &Path,
    overrides: &[String],
    (detail, width): (Detail, usize),
) -> Result<String, Error> {
    let planned = Planned::new(path, &without_dataset(path, overrides)?)?;
    let (spec, graph) = (&planned.run.spec, &planned.blueprint.graph);
    let shown = foreign::path(path);
    let mut text = format!(
        "{} with its own classifier, as published: {} of ImageNet; there is no [dataset], so nothing is trained\n\
         runner predict {shown} IMAGE… says what images show\n",
        spec.backbone.arch,
        counted(IMAGENET_CLASSES, "class"),
    );
    let device = planned.device.why.iter();
    for note in device.chain(&planned.notes) {
        text += &format!("\n{}\n", one_line(note));
    }
    let images = planned.preparation.describe(spec);
    text += &format!("\nimages                 {}\n", one_line(&images));
    let frozen = Cut::new(graph, Statistics::OfTrained, |_, _| false);
    text += &summary(graph, &frozen, detail, width);
    let forward = planned.blueprint.cost(0).forward;
    text += &format!(
        "operations per image   {} (multiply-accumulates)\n",
        si(forward)
    );
    Ok(text)
}

/// Refuses a spec that names no images, where a dataset is to be evaluated.
///
/// # Errors
/// How to name them.
pub(super) fn needs_dataset(path: &Path, overrides: &[String]) -> Result<(), Error> {
    if !Experiment::is_published_alone(path, overrides)? {
        return Ok(());
    }
    let message = format!("{} names no images to evaluate", foreign::path(path));
    let help = "name a folder with a folder for each class, called by ImageNet's name or synset: --set \
                dataset.name=image_folder --set dataset.path=FOLDER";
    Err(Problem::new("dataset", message).help(help).into())
}

/// Overrides with a dataset before them that is there, for images that are of none.
///
/// # Errors
/// A current folder that is gone.
pub(super) fn without_dataset(path: &Path, overrides: &[String]) -> Result<Vec<String>, Error> {
    let found = std::path::absolute(path).map_err(|source| Error::Metadata {
        path: path.to_owned(),
        message: source.to_string(),
    })?;
    let folder = found.parent().unwrap_or(&found).display().to_string();
    let dataset = [
        "dataset.name=image_folder".to_owned(),
        format!("dataset.path={}", toml::Value::String(folder)),
    ];
    Ok(dataset
        .into_iter()
        .chain(overrides.iter().cloned())
        .collect())
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
