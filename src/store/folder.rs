//! The folder of an experiment's results: where things are in it, and making and deleting them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::predictions;
use super::present::PLAN_FILE;
use super::tables::{METRICS_FILE, RUNS_FILE};
use crate::atomic::{Unfinished, name_beside, remove_unfinished, write_claimed_for_now};
use crate::claim::{self, Claim, Token};
use crate::train::checkpoint;

/// The resolved spec, in the experiment's folder and in each run's.
pub(crate) const SPEC_FILE: &str = "spec.toml";
/// A run's trained model.
pub(crate) const MODEL_FILE: &str = "model.safetensors";
/// Where charts are.
const CHARTS: &str = "charts";

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

/// Deletes a claimed folder: under another name first, so that nobody finds a part of it, and that it shows whether the
/// folder was still this process's.
pub(crate) fn delete(folder: &Path, claim: &Claim) -> io::Result<()> {
    claim.token().check()?;
    let away = name_beside(folder);
    fs::rename(folder, &away)?;
    let claim = claim.token().file_name().map(|name| away.join(name));
    if claim.is_some_and(|claim| claim.exists()) {
        return remove(&away);
    }
    // Whoever has taken it over meanwhile gets it back.
    fs::rename(&away, folder)?;
    Err(io::Error::other("another process took it over"))
}

pub(crate) fn remove_checkpoints(run: &Path) -> Result<(), Error> {
    let folder = run.join(checkpoint::FOLDER);
    remove(&folder).map_err(Error::io(&folder))
}

/// Whether a finished run's folder still holds what only an unfinished one needs.
pub(crate) fn has_leftovers(run: &Path) -> bool {
    let is_there = |files: io::Result<Vec<Unfinished>>| files.is_ok_and(|files| !files.is_empty());
    run.join(checkpoint::FOLDER).exists()
        || claim::is_claimed(run)
        || is_there(Unfinished::all(run))
}

/// Removes what other processes have left unfinished in a run's folder, which is this one's.
pub(crate) fn tidy_run(run: &Path) -> io::Result<()> {
    remove_unfinished(run)?;
    remove_unfinished(&run.join(checkpoint::FOLDER))
}

/// Removes what other processes have left unfinished in an experiment's folder, which is locked: tables, and what else
/// the dead have left. The report may be written by others too.
pub(crate) fn tidy_experiment(folder: &Path) -> io::Result<()> {
    let locked = [
        RUNS_FILE,
        METRICS_FILE,
        predictions::FILE,
        SPEC_FILE,
        PLAN_FILE,
    ];
    let is_left = |file: &Unfinished| {
        !file.is_own() && (locked.contains(&file.file()) || file.is_abandoned())
    };
    for folder in [folder, &folder.join(CHARTS)] {
        let all = Unfinished::all(folder)?;
        all.iter()
            .filter(|file| is_left(file))
            .try_for_each(Unfinished::remove)?;
    }
    // Of processes that were killed while they deleted runs.
    let runs = Unfinished::all(&runs_folder(folder))?;
    let dead = runs.iter().filter(|run| run.is_abandoned());
    dead.map(Unfinished::path).try_for_each(remove)
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder))
}

/// Writes a spec; every start does.
pub(crate) fn write(path: &Path, text: &str, token: &Token) -> Result<(), Error> {
    write_claimed_for_now(path, text.as_bytes(), token).map_err(Error::io(path))
}
