//! What runs are named by: everything that decides their results, wherever its files lie.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Error;
use super::upstream::Chain;
use crate::data;
use crate::fetch::Cache;
use crate::spec::{Contents, Dataset, Experiment, Problem, Spec, Weights};

/// Names every run by the contents of its files, and by the runs that it builds on.
///
/// # Errors
/// A file that cannot be read, or two runs that are the same by what their files hold.
pub(super) fn identify(experiment: &mut Experiment, chain: &Chain) -> Result<(), Error> {
    let mut known = Known::default();
    let mut contents = Vec::new();
    for run in &experiment.runs {
        let mut of_run = known
            .contents(&run.spec)
            .map_err(|problem| Error::Spec(experiment.problem(Some(run), &problem).into()))?;
        if let Some(upstream) = chain.predecessor(run) {
            of_run.insert("backbone.weights".into(), upstream.id.clone());
        }
        contents.push(of_run);
    }
    for (run, contents) in experiment.runs.iter_mut().zip(contents) {
        run.identify(&contents);
    }
    let mut seen = HashMap::new();
    for run in &experiment.runs {
        if let Some(earlier) = seen.insert(&run.id, run) {
            let differs = run.point.iter().find(|axis| !earlier.point.contains(axis));
            let key = differs.map_or("sweep.axes", |(key, _)| key);
            let problem = Problem::new(
                key,
                format!("two runs of the sweep are the same: {}", run.id),
            )
            .help("the files of both have the same contents; remove one");
            return Err(Error::Spec(experiment.problem(Some(run), &problem).into()));
        }
    }
    Ok(())
}

/// Contents that several runs share.
#[derive(Default)]
struct Known {
    datasets: Vec<(Dataset, Option<String>)>,
    files: HashMap<PathBuf, String>,
}

impl Known {
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
        for (key, path) in [
            ("backbone.weights", backbone),
            ("training.initial_weights", whole),
        ] {
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
        let digest = data::fingerprint(dataset, cache.as_ref().map(Cache::root))
            .map_err(|error| Problem::new("dataset.path", error.to_string()))?;
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
