//! Opening a saved model, with everything that was said about it in its own file, or a published network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::model::{Model, check_memory};
use super::{Error, published};
use crate::data::{Normalizer, Resizing};
use crate::device::{self, Chosen};
use crate::foreign;
use crate::model::weights::{self, Wanted};
use crate::model::{Blueprint, Network};
use crate::progress::Progress;
use crate::run;
use crate::spec::{self, Experiment, Spec};
use crate::store::tables::own;
use crate::store::{Status, why_not_kept};
use crate::text::counted;

impl Model {
    /// Opens the model in a run's folder, the file itself, or the published network of a spec, to be applied to what
    /// `overrides` (`KEY=VALUE`, as given to `--set`) say.
    ///
    /// # Errors
    /// A file that is not there or not the runner's, a device that is not there; a wrong override; files of a dataset
    /// that are not there; a spec whose network has yet to be trained.
    pub fn open(run: &Path, overrides: &[String], progress: &dyn Progress) -> Result<Self, Error> {
        if is_spec(run) {
            published::needs_dataset(run, overrides)?;
            return published::open(run, overrides, progress);
        }
        let found = Found::at(run)?;
        let recorded: Spec = found.json("spec")?;
        let applied = found.applied(&recorded, overrides)?;
        found.model(Spec {
            dataset: applied.dataset,
            training: applied.training,
            ..recorded
        })
    }

    /// [`Model::open_for_images`] on the CPU, in f32, whatever it was trained on.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn open_on_cpu(run: &Path, progress: &dyn Progress) -> Result<Self, Error> {
        if is_spec(run) {
            let on_cpu = ["training.device=cpu", "training.precision=f32"].map(String::from);
            return Model::open_for_images(run, &on_cpu, progress);
        }
        let found = Found::at(run)?;
        let mut spec: Spec = found.json("spec")?;
        spec.training.device = spec::Device::Cpu;
        spec.training.precision = spec::Precision::F32;
        found.model(spec)
    }

    /// [`Model::open`], to be applied to images that are of no dataset: its own need not be there any more.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn open_for_images(
        run: &Path,
        overrides: &[String],
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        if is_spec(run) {
            let all = published::without_dataset(run, overrides)?;
            return published::open(run, &all, progress);
        }
        let found = Found::at(run)?;
        let recorded: Spec = found.json("spec")?;
        let mut elsewhere = recorded.clone();
        // Any folder that is there, and not to be looked for beside the model.
        let path = std::path::absolute(&found.path).map_err(|e| found.wrong(e.to_string()))?;
        let here = path.parent().map(Path::to_owned);
        elsewhere.dataset.path = elsewhere.dataset.path.and(here);
        let applied = found.applied(&elsewhere, overrides)?;
        found.model(Spec {
            dataset: applied.dataset,
            training: applied.training,
            ..recorded
        })
    }
}

/// What a run's folder says of a run that has not come to its end.
fn unfinished(folder: &Path) -> Option<Error> {
    let row = own::read(folder, &[]).ok()??.row;
    let after = counted(row.epochs, "epoch");
    let state = match row.status {
        Status::Finished => return None,
        Status::Paused => format!("paused after {after}: the sweep's search has left it there"),
        Status::Interrupted | Status::Elsewhere => {
            format!(
                "not finished, {after} are recorded; another start of its experiment continues it"
            )
        }
        Status::Failed => {
            let why = row.error.unwrap_or_default();
            format!("failed: {}", foreign::one_line(&why))
        }
    };
    Some(Error::Unfinished {
        folder: folder.to_owned(),
        state,
    })
}

/// A model's file, and what it says beside its tensors.
struct Found {
    path: PathBuf,
    metadata: BTreeMap<String, String>,
}

impl Found {
    fn at(run: &Path) -> Result<Self, Error> {
        let path = if run.is_dir() {
            run.join("model.safetensors")
        } else {
            run.to_owned()
        };
        if !path.is_file() {
            let folder = if run.is_dir() {
                Some(run)
            } else {
                run.parent()
            };
            if let Some((folder, why)) = folder.and_then(|run| Some((run, why_not_kept(run)?))) {
                let name = folder.file_name().unwrap_or_default();
                return Err(Error::NotKept {
                    folder: folder.to_owned(),
                    run: foreign::one_line(&name.to_string_lossy()).into_owned(),
                    why: foreign::one_line(&why).into_owned(),
                });
            }
            return Err(match folder.and_then(unfinished) {
                Some(error) => error,
                None => Error::NoModel(run.to_owned()),
            });
        }
        let metadata = weights::metadata(&path)?;
        Ok(Found { path, metadata })
    }

    /// The recorded spec with overrides.
    fn applied(&self, recorded: &Spec, overrides: &[String]) -> Result<Spec, Error> {
        let folder = std::env::current_dir().map_err(|e| self.wrong(e.to_string()))?;
        Ok(Experiment::recorded(recorded, &self.path, overrides, &folder)?.spec)
    }

    fn model(self, spec: Spec) -> Result<Model, Error> {
        let classes: Vec<String> = self.json("classes")?;
        let (resizing, normalizer) = self.preparation(&spec)?;
        let blueprint = Blueprint::new(&spec, classes.len());
        let blueprint = blueprint.map_err(|problem| self.wrong(problem.to_string()))?;
        check_memory(&blueprint).map_err(|why| self.wrong(why))?;
        let Chosen { device, name, .. } = device::choose(&spec.training)?;
        let nodes = blueprint.graph.nodes().len();
        let wanted = Wanted::of(spec.backbone.arch, &blueprint, nodes, false);
        let weights = weights::load(&self.path, &wanted)?;
        Ok(Model {
            network: Network::new(blueprint, &weights, spec.seed, &device)?
                .computing_in(spec.training.precision),
            path: self.path,
            spec,
            classes,
            synsets: Vec::new(),
            resizing,
            normalizer,
            device,
            device_name: name,
        })
    }

    /// How images are prepared; numbers that no spec can have are refused.
    fn preparation(&self, spec: &Spec) -> Result<(Resizing, Normalizer), Error> {
        if let Some(problem) = spec::out_of_range(spec).first() {
            return Err(self.wrong(format!("`spec` in its metadata: {}", problem.message)));
        }
        let saved = run::saved_preparation(&self.metadata, spec.backbone.input_size);
        let saved = saved.map_err(|message| self.wrong(message))?;
        saved.ok_or_else(|| self.wrong("its metadata has no `normalization`".into()))
    }

    fn json<T: DeserializeOwned>(&self, key: &str) -> Result<T, Error> {
        let text = self.metadata.get(key);
        let text = text.ok_or_else(|| self.wrong(format!("its metadata has no `{key}`")))?;
        serde_json::from_str(text).map_err(|e| self.wrong(format!("`{key}` in its metadata: {e}")))
    }

    fn wrong(&self, message: String) -> Error {
        Error::Metadata {
            path: self.path.clone(),
            message,
        }
    }
}

/// Whether a spec is named rather than a model.
fn is_spec(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml") && !path.is_dir()
}
