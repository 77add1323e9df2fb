//! Deleting what is not needed any more in the folder of an experiment's results, and what the dead have left there.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::error::Error;
use super::folder::{CHARTS, SPEC_FILE, runs_folder};
use super::plan::PLAN_FILE;
use super::predictions;
use super::tables::{METRICS_FILE, RUNS_FILE};
use crate::atomic::{Unfinished, name_beside, remove_unfinished};
use crate::claim::{self, Claim};
use crate::model::weights::SHARED_FOLDER;
use crate::train::checkpoint;

/// Shared tensors that are younger may not have been linked to yet.
const NEW: Duration = Duration::from_secs(3600);

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

/// Removes the checkpoints of a run, which is this one's.
///
/// # Errors
/// A folder that cannot be written.
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
    let shared = folder.join(SHARED_FOLDER);
    remove_unused(&shared);
    for folder in [folder, &folder.join(CHARTS), &shared] {
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

/// Removes tensors that were shared by models which are gone: files without another name. A new one may get its next just
/// now.
fn remove_unused(shared: &Path) {
    #[cfg(unix)]
    for entry in fs::read_dir(shared).into_iter().flatten().flatten() {
        use std::os::unix::fs::MetadataExt;
        let is_unused = entry.metadata().is_ok_and(|about| {
            let written = about.modified().ok();
            let age = written.and_then(|written| written.elapsed().ok());
            about.is_file() && about.nlink() == 1 && age.is_some_and(|age| age > NEW)
        });
        if is_unused {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
