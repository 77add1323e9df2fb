//! What `--fresh` deletes.

use std::path::Path;

use crate::claim::{Attempt, Claims};
use crate::foreign;
use crate::sink::error::Error;
use crate::sink::list::Sinks;
use crate::stop::Stop;
use crate::store::tidy::delete;
use crate::store::{Tables, run_folder};
use crate::text::counted;

/// Forgets the runs with these ids and deletes their folders, after saying so.
///
/// # Errors
/// A folder that cannot be deleted, and a run that another process does; then nothing is deleted.
pub(crate) fn delete_runs(
    folder: &Path,
    runs: &[String],
    tables: &mut Tables,
    (claims, stop): (&Claims, &Stop),
    sinks: &Sinks<'_>,
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
    sinks.warn(&format!(
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
