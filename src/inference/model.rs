//! A saved model with everything that was said about it in its own file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::Device;
use serde::de::DeserializeOwned;

use super::Error;
use crate::data::Normalizer;
use crate::device::{self, Chosen};
use crate::model::{Blueprint, Network, weights};
use crate::spec::{Experiment, Spec};

/// A network that is ready to be asked.
pub struct Model {
    /// The model's file.
    pub path: PathBuf,
    /// The run's spec, with what it is applied to now.
    pub spec: Spec,
    /// The classes' names, in the order of the network's outputs.
    pub classes: Vec<String>,
    pub normalizer: Normalizer,
    pub network: Network,
    pub device: Device,
    /// The word for the device, e.g. `cpu`.
    pub device_name: String,
}

impl Model {
    /// Opens the model in a run's folder, or the file itself.
    ///
    /// # Errors
    /// A file that is not there or not the runner's, a device that is not there.
    pub fn open(run: &Path) -> Result<Self, Error> {
        let found = Found::at(run)?;
        let spec: Spec = found.json("spec")?;
        found.model(spec)
    }

    /// [`Model::open`], to be applied to what `overrides` (`KEY=VALUE`, as given to `--set`) say.
    ///
    /// # Errors
    /// As [`Model::open`]; a wrong override; files of a dataset that are not there.
    pub fn open_with(run: &Path, overrides: &[String]) -> Result<Self, Error> {
        let found = Found::at(run)?;
        let recorded: Spec = found.json("spec")?;
        let folder = std::env::current_dir().map_err(|e| found.wrong(e.to_string()))?;
        let applied = Experiment::recorded(&recorded, &found.path, overrides, &folder)?.spec;
        found.model(Spec {
            dataset: applied.dataset,
            training: applied.training,
            ..recorded
        })
    }
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
            return Err(Error::NoModel(run.to_owned()));
        }
        let metadata = weights::metadata(&path)?;
        Ok(Found { path, metadata })
    }

    fn model(self, spec: Spec) -> Result<Model, Error> {
        let classes: Vec<String> = self.json("classes")?;
        let normalizer: Normalizer = self.json("normalization")?;
        let blueprint = Blueprint::new(&spec, classes.len())?;
        let Chosen { device, name, .. } = device::choose(&spec.training)?;
        let expected: Vec<(String, Vec<usize>)> = blueprint
            .graph
            .parameters()
            .map(|(_, parameter)| (parameter.name.clone(), parameter.file_shape()))
            .collect();
        let weights = weights::load(&self.path, spec.backbone.arch, &expected, &|_| false)?;
        Ok(Model {
            network: Network::new(blueprint, &weights, spec.seed, &device)?,
            path: self.path,
            spec,
            classes,
            normalizer,
            device,
            device_name: name,
        })
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
