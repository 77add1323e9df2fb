//! The folder of an experiment's results: where things are in it, and making and deleting them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::progress::Reporter;
use super::{Error, Tables};
use crate::atomic::write_atomically_for_now;
use crate::claim::{Attempt, Claims};
use crate::train::checkpoint;

/// Where a run's model lies inside the folder of all results.
pub fn model_file(results: &Path, experiment: &str, run: &str) -> PathBuf {
    run_folder(&results.join(experiment), run).join("model.safetensors")
}

/// Where a run's files lie inside its experiment's folder.
pub fn run_folder(experiment: &Path, run: &str) -> PathBuf {
    experiment.join("runs").join(run)
}

/// Forgets the runs with these ids and deletes their folders, after saying so.
///
/// # Errors
/// A folder that cannot be deleted, and a run that another process does; then nothing is deleted.
pub(super) fn delete_runs(
    folder: &Path,
    runs: &[String],
    tables: &mut Tables,
    claims: &Claims,
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
            match claims.settle(&path).map_err(Error::io(&path))? {
                Attempt::Held(claim) => claimed.push(claim),
                Attempt::Taken(owner) => {
                    let run = (*run).clone();
                    return Err(Error::Busy { run, owner });
                }
            }
        }
    }
    let line = |run: &&String| match tables.run(run) {
        Some(row) => format!("\n  {run} ({}, {} epochs)", row.status, row.epochs),
        None => format!("\n  {run}"),
    };
    reporter.warn(&format!(
        "--fresh deletes from {}:{}",
        folder.display(),
        runs.iter().map(line).collect::<String>()
    ));
    for run in runs {
        remove(&run_folder(folder, run))?;
        tables.remove_run(run);
    }
    Ok(())
}

pub(super) fn remove_checkpoints(run: &Path) -> Result<(), Error> {
    remove(&run.join(checkpoint::FOLDER))
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::io(folder)(source)),
        _ => Ok(()),
    }
}

pub(super) fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder))
}

/// Writes a spec; every start does.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    write_atomically_for_now(path, text.as_bytes()).map_err(Error::io(path))
}
