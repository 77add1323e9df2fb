//! The folder of an experiment's results: where things are in it.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::atomic::write_claimed_for_now;
use crate::claim::Token;

/// The resolved spec, in the experiment's folder and in each run's.
pub(crate) const SPEC_FILE: &str = "spec.toml";
/// A run's trained model.
pub(crate) const MODEL_FILE: &str = "model.safetensors";
/// Where charts are.
pub(super) const CHARTS: &str = "charts";

/// Where a run's model lies inside the folder of all results.
pub fn model_file(results: &Path, experiment: &str, run: &str) -> PathBuf {
    run_folder(&results.join(experiment), run).join(MODEL_FILE)
}

/// Where the folders of an experiment's runs lie inside its own.
pub(crate) fn runs_folder(experiment: &Path) -> PathBuf {
    experiment.join("runs")
}

/// Where a run's files lie inside its experiment's folder.
pub fn run_folder(experiment: &Path, run: &str) -> PathBuf {
    runs_folder(experiment).join(run)
}

pub(crate) fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder))
}

/// Writes a spec; every start does.
pub(crate) fn write(path: &Path, text: &str, token: &Token) -> Result<(), Error> {
    write_claimed_for_now(path, text.as_bytes(), token).map_err(Error::io(path))
}
