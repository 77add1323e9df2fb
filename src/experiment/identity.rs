//! What runs are named by: everything that decides their results, wherever its files lie.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::wording::Wording;
use crate::data;
use crate::fetch::{Cache, Hub};
use crate::progress::Progress;
use crate::run::{Origin, OriginKey};
use crate::spec::{Contents, Dataset, Experiment, Problem, Run, Spec, Weights};
use crate::store::Present;

/// The key of the weights that a run starts from.
const WEIGHTS: &str = "backbone.weights";

/// Whether weights that are not in the cache are downloaded to name the runs by them.
#[derive(Clone, Copy)]
pub(super) enum Network {
    /// As a run needs it.
    Used,
    /// As a look at the plan does; runs are then named by what is known.
    Unused,
}

/// What kept runs from being named by all that decides their results.
#[derive(Debug, Default)]
pub(super) struct Unnamed {
    /// Runs whose weights could not be had, by their ids: why.
    pub failed: HashMap<String, String>,
    /// Whether some weights are not in the cache, and were not asked for.
    pub is_preliminary: bool,
}

/// What is looked at to name runs.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub network: Network,
    /// Told of what is downloaded.
    pub progress: &'a dyn Progress,
    /// The folder that has a folder for each experiment, whose runs keep the names that they were recorded under.
    pub results: &'a Path,
}

/// Names the runs from one on by the contents of their files, those from the network too, and by the runs that they build on, whatever
/// words their specs have for them.
///
/// # Errors
/// A file that cannot be read, or two runs that are the same by what their words mean and their files hold.
pub(super) fn identify<'c>(
    experiment: &mut Experiment,
    from: usize,
    predecessor: impl Fn(&Run) -> Option<&'c Run>,
    sources: Sources<'_>,
) -> Result<Unnamed, Error> {
    let mut known = Known::new(sources);
    let mut wording = Wording::default();
    let mut unnamed = Unnamed::default();
    let mut failed = Vec::new();
    for at in from..experiment.runs.len() {
        let run = &experiment.runs[at];
        let mut contents = known
            .contents(&run.spec)
            .map_err(|problem| Error::Spec(experiment.problem(Some(run), &problem).into()))?;
        match known.pretrained(&run.spec) {
            Pretrained::None => {}
            Pretrained::Unknown => unnamed.is_preliminary = true,
            Pretrained::Failed(why) => failed.push((at, why)),
            Pretrained::Known(digest) => {
                contents.insert(WEIGHTS.into(), digest);
            }
        }
        let mut of_id = contents.clone();
        if let Some(upstream) = predecessor(run) {
            of_id.insert(WEIGHTS.into(), upstream.id.clone());
            contents.insert(WEIGHTS.into(), upstream.setting().key());
        }
        let usual = wording.of(&run.spec);
        if contents.is_empty() && usual.is_none() {
            continue;
        }
        let run = &mut experiment.runs[at];
        usual
            .into_iter()
            .for_each(|spec| run.put_in_other_words(spec));
        run.contents = contents;
        run.identify(&of_id);
    }
    check_different(experiment, &mut wording)?;
    keep_names(experiment, from, sources.results);
    let failed = failed.into_iter();
    unnamed.failed = failed
        .map(|(at, why)| (experiment.runs[at].id.clone(), why))
        .collect();
    Ok(unnamed)
}

/// Gives runs that were recorded when the sweep had other axes the names that they have there, so that they are not done
/// again.
fn keep_names(experiment: &mut Experiment, from: usize, results: &Path) {
    let present = Present::of(&results.join(&experiment.spec.name));
    for run in &mut experiment.runs[from..] {
        if let Some(id) = present.other_id(run) {
            run.id = id;
        }
    }
}

/// Refuses two runs that are the same.
fn check_different(experiment: &Experiment, wording: &mut Wording) -> Result<(), Error> {
    let mut seen = HashMap::new();
    let is_frozen_otherwise =
        |run: &Run| run.point.iter().any(|(axis, _)| axis.starts_with("freeze"));
    for run in &experiment.runs {
        let meaning = match is_frozen_otherwise(run) {
            true => {
                let mut same = Run::new(Vec::new(), wording.by_weights(&run.spec));
                same.identify(&run.contents);
                same.fingerprint().to_owned()
            }
            false => run.fingerprint().to_owned(),
        };
        if let Some(earlier) = seen.insert(meaning, run) {
            let key = run.axis_that_differs(earlier).unwrap_or("sweep.axes");
            let problem = Problem::new(
                key,
                format!("two runs of the sweep are the same: {}", run.id),
            )
            .help(
                "this value means the same as an earlier one, or names a file with the same contents; remove it",
            );
            return Err(Error::Spec(experiment.problem(Some(run), &problem).into()));
        }
    }
    Ok(())
}

/// Weights that come from the network.
#[derive(Clone)]
enum Pretrained {
    /// The run takes none.
    None,
    /// The checksum of the tensors that are taken.
    Known(String),
    /// They are not in the cache.
    Unknown,
    /// They cannot be had.
    Failed(String),
}

/// Contents that several runs share.
struct Known<'a> {
    sources: Sources<'a>,
    datasets: Vec<(Dataset, Option<String>)>,
    files: HashMap<PathBuf, String>,
    pretrained: Vec<(OriginKey, Pretrained)>,
}

impl<'a> Known<'a> {
    fn new(sources: Sources<'a>) -> Self {
        Known {
            sources,
            datasets: Vec::new(),
            files: HashMap::new(),
            pretrained: Vec::new(),
        }
    }

    /// The weights from the network that a run with this spec takes.
    fn pretrained(&mut self, spec: &Spec) -> Pretrained {
        let is_used = spec.training.initial_weights.is_none();
        let origin = Origin::of(spec).ok().flatten();
        let Some(origin) = origin.filter(|_| is_used) else {
            return Pretrained::None;
        };
        let key = origin.key();
        if let Some((_, known)) = self.pretrained.iter().find(|(known, _)| *known == key) {
            return known.clone();
        }
        let found = match downloaded(&origin, self.sources) {
            Ok(Some(digest)) => Pretrained::Known(digest),
            Ok(None) => Pretrained::Unknown,
            Err(why) => Pretrained::Failed(why),
        };
        self.pretrained.push((key, found.clone()));
        found
    }

    fn contents(&mut self, spec: &Spec) -> Result<Contents, Problem> {
        let mut contents = Contents::new();
        if let Some(digest) = self.dataset(&spec.dataset)? {
            contents.insert("dataset.path".into(), digest);
        }
        let backbone = match &spec.backbone.weights {
            Weights::File(path) => Some(path),
            _ => None,
        };
        let whole = spec.training.initial_weights.as_ref();
        for (key, path) in [(WEIGHTS, backbone), ("training.initial_weights", whole)] {
            if let Some(path) = path {
                contents.insert(key.into(), self.file(key, path)?);
            }
        }
        Ok(contents)
    }

    fn dataset(&mut self, dataset: &Dataset) -> Result<Option<String>, Problem> {
        if let Some((_, digest)) = self.datasets.iter().find(|(known, _)| known == dataset) {
            return Ok(digest.clone());
        }
        let cache = Cache::from_env().ok();
        let digest = data::bring(dataset, self.sources.progress)
            .and_then(|()| data::fingerprint(dataset, cache.as_ref().and_then(Cache::root)))
            .map_err(|error| error.into_problem("dataset.path"))?;
        self.datasets.push((dataset.clone(), digest.clone()));
        Ok(digest)
    }

    fn file(&mut self, key: &str, path: &Path) -> Result<String, Problem> {
        if let Some(digest) = self.files.get(path) {
            return Ok(digest.clone());
        }
        let digest = data::digest(path)
            .map_err(|error| Problem::new(key, format!("{}: {error}", path.display())))?;
        self.files.insert(path.to_owned(), digest.clone());
        Ok(digest)
    }
}

/// The checksum of the tensors that come from the network; none where they are not there and not asked for.
fn downloaded(origin: &Origin<'_>, sources: Sources<'_>) -> Result<Option<String>, String> {
    let cache = match (Cache::from_env(), sources.network) {
        (Err(_), Network::Unused) => return Ok(None),
        (cache, _) => cache.map_err(|error| error.to_string())?,
    };
    let hub = Hub::from_env();
    let path = match sources.network {
        Network::Unused => origin.cached((&cache, &hub)),
        Network::Used => {
            let path = origin.file((&cache, &hub), sources.progress);
            Some(path.map_err(|error| error.to_string())?)
        }
    };
    let digest = path.map(|path| origin.digest(&path));
    digest.transpose().map_err(|error| error.to_string())
}
