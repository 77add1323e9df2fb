//! The folder of an experiment's results: where things are in it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::atomic::{write_claimed, write_claimed_for_now};
use crate::claim::Token;
use crate::model::weights::has_frozen;
use crate::spec::Save;

/// The resolved spec, in the experiment's folder and in each run's.
pub(crate) const SPEC_FILE: &str = "spec.toml";
/// A run's trained model.
pub(crate) const MODEL_FILE: &str = "model.safetensors";
/// Stands in a run's folder where its model is not kept, and says why.
pub(crate) const NOT_KEPT_FILE: &str = "model.not_kept";
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

/// Whether a finished run's folder has what it is to have: its model, or the word that it was not to be kept. What cannot be
/// looked at is not what is missing.
///
/// # Errors
/// A folder that cannot be read.
pub(crate) fn is_whole(run: &Path, save: Save) -> Result<bool, Error> {
    let is_there = |file| {
        let path = run.join(file);
        match fs::metadata(&path) {
            Ok(about) => Ok(about.is_file()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(&path)(error)),
        }
    };
    let has_model =
        is_there(MODEL_FILE)? && (save != Save::Shared || has_frozen(&run.join(MODEL_FILE)));
    Ok(has_model || !save.keeps_each() && is_there(NOT_KEPT_FILE)?)
}

/// Whether a run of an experiment's folder has its model.
pub fn has_model(experiment: &Path, run: &str) -> bool {
    run_folder(experiment, run).join(MODEL_FILE).is_file()
}

/// Why the model of a run is not in its folder; nothing where it is, or where nobody left it out.
pub fn why_not_kept(run: &Path) -> Option<String> {
    let is_kept = run.join(MODEL_FILE).is_file();
    let why = fs::read_to_string(run.join(NOT_KEPT_FILE)).ok();
    why.filter(|_| !is_kept).map(|why| why.trim().to_owned())
}

/// Says in a run's folder that its model is not kept, as the spec wants it; whoever is asked for it repeats this.
///
/// # Errors
/// A folder that cannot be written, and a claim that another process has taken over.
pub(crate) fn say_not_kept(run: &Path, save: Save, token: &Token) -> Result<(), Error> {
    let path = run.join(NOT_KEPT_FILE);
    let why = format!("training.save = \"{save}\"\n");
    write_claimed(&path, why.as_bytes(), token).map_err(Error::io(&path))
}

pub(crate) fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder))
}

/// Writes a spec; every start does.
pub(crate) fn write(path: &Path, text: &str, token: &Token) -> Result<(), Error> {
    write_claimed_for_now(path, text.as_bytes(), token).map_err(Error::io(path))
}
