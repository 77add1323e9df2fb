//! The folder of an experiment's results: where things are in it, and making and deleting them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::progress::Reporter;
use super::{Error, METRICS_FILE, PLAN_FILE, RUNS_FILE, Tables, predictions};
use crate::atomic::{Unfinished, name_beside, remove_unfinished, write_claimed_for_now};
use crate::claim::{self, Attempt, Claim, Claims, Token};
use crate::foreign;
use crate::stop::Stop;
use crate::text::counted;
use crate::train::checkpoint;

/// The resolved spec, in the experiment's folder and in each run's.
pub(super) const SPEC_FILE: &str = "spec.toml";
/// A run's trained model.
pub(super) const MODEL_FILE: &str = "model.safetensors";
/// Where charts are.
const CHARTS: &str = "charts";

/// Where a run's model lies inside the folder of all results.
pub fn model_file(results: &Path, experiment: &str, run: &str) -> PathBuf {
    run_folder(&results.join(experiment), run).join(MODEL_FILE)
}

/// Where the folders of an experiment's runs lie inside its own.
pub(super) fn runs_folder(experiment: &Path) -> PathBuf {
    experiment.join("runs")
}

/// Where a run's files lie inside its experiment's folder.
pub fn run_folder(experiment: &Path, run: &str) -> PathBuf {
    runs_folder(experiment).join(run)
}

/// Forgets the runs with these ids and deletes their folders, after saying so.
///
/// # Errors
/// A folder that cannot be deleted, and a run that another process does; then nothing is deleted.
pub(super) fn delete_runs(
    folder: &Path,
    runs: &[String],
    tables: &mut Tables,
    (claims, stop): (&Claims, &Stop),
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let there = |run: &&String| tables.run(run).is_some() || run_folder(folder, run).exists();
    let runs: Vec<&String> = runs.iter().filter(there).collect();
    if runs.is_empty() {
        return Ok(());
    }
    let mut claimed = Vec::new();
    for run in &runs {
        let path = run_folder(folder, run);
        if path.is_dir() {
            match claims.settle(&path, stop).map_err(Error::io(&path))? {
                Attempt::Held(claim) => claimed.push((path, claim)),
                Attempt::Taken(owner) => {
                    let run = (*run).clone();
                    return Err(Error::Busy { run, owner });
                }
            }
        }
    }
    let line = |run: &&String| match tables.run(run) {
        Some(row) => format!(
            "\n  {run} ({}, {})",
            row.status,
            counted(row.epochs, "epoch")
        ),
        None => format!("\n  {run}"),
    };
    reporter.warn(&format!(
        "--fresh deletes from {}:{}",
        foreign::path(folder),
        runs.iter().map(line).collect::<String>()
    ));
    for (path, claim) in claimed {
        delete(&path, &claim).map_err(Error::io(&path))?;
    }
    runs.into_iter().for_each(|run| tables.remove_run(run));
    Ok(())
}

/// Deletes a claimed folder: under another name first, so that nobody finds a part of it, and that it shows whether the
/// folder was still this process's.
fn delete(folder: &Path, claim: &Claim) -> io::Result<()> {
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

pub(super) fn remove_checkpoints(run: &Path) -> Result<(), Error> {
    let folder = run.join(checkpoint::FOLDER);
    remove(&folder).map_err(Error::io(&folder))
}

/// Whether a finished run's folder still holds what only an unfinished one needs.
pub(super) fn has_leftovers(run: &Path) -> bool {
    let is_there = |files: io::Result<Vec<Unfinished>>| files.is_ok_and(|files| !files.is_empty());
    run.join(checkpoint::FOLDER).exists()
        || claim::is_claimed(run)
        || is_there(Unfinished::all(run))
}

/// Removes what other processes have left unfinished in a run's folder, which is this one's.
pub(super) fn tidy_run(run: &Path) -> io::Result<()> {
    remove_unfinished(run)?;
    remove_unfinished(&run.join(checkpoint::FOLDER))
}

/// Removes what other processes have left unfinished in an experiment's folder, which is locked: tables, and what else
/// the dead have left. The report may be written by others too.
pub(super) fn tidy_experiment(folder: &Path) -> io::Result<()> {
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

pub(super) fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder))
}

/// Writes a spec; every start does.
pub(super) fn write(path: &Path, text: &str, token: &Token) -> Result<(), Error> {
    write_claimed_for_now(path, text.as_bytes(), token).map_err(Error::io(path))
}
