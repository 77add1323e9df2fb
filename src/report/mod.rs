//! Results as people look at them: charts, and a page that needs nothing but a browser.
//!
//! Everything is made of the tables in the results folder.

pub mod charts;
mod error;
mod experiment;
mod mistakes;
mod page;
mod pictures;
mod sections;
mod text;
mod whereabouts;

use std::fs;
use std::path::{Path, PathBuf};

pub use error::Error;
pub use experiment::Experiment;
pub use mistakes::{Mistake, heat_folder, most_confident};
pub use page::{Liveness, page};
pub use pictures::{About, sheet};

use crate::atomic::write_atomically;

/// The page's name in the folder of an experiment's results.
pub const FILE: &str = "report.html";

/// As [`write`], once an epoch has ended: before, there is only where the runs are, and nothing is written.
///
/// # Errors
/// The same.
pub fn write_results(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let experiment = Experiment::read(folder)?;
    match experiment.epochs.is_empty() {
        true => Ok(Vec::new()),
        false => write_of(folder, &experiment),
    }
}

/// Writes `charts/*.svg` and `report.html` of the results in `folder`, each whole or not at all; gives the page last.
///
/// # Errors
/// Tables that cannot be read, or files that cannot be written.
pub fn write(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    write_of(folder, &Experiment::read(folder)?)
}

fn write_of(folder: &Path, experiment: &Experiment) -> Result<Vec<PathBuf>, Error> {
    let into = folder.join("charts");
    fs::create_dir_all(&into).map_err(Error::cannot_write(&into))?;
    let mut written = Vec::new();
    for chart in charts::files(experiment) {
        let path = into.join(&chart.file);
        put(&path, &chart.standalone())?;
        written.push(path);
    }
    remove_others(&into, &written);
    let path = folder.join(FILE);
    put(&path, &page(experiment, Liveness::Still))?;
    written.push(path);
    Ok(written)
}

/// Removes charts of an earlier form of the experiment; one that stays does no harm.
fn remove_others(folder: &Path, written: &[PathBuf]) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "svg") && !written.contains(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a whole report is in `folder` that was made after these files there were written.
pub fn is_newer_than(folder: &Path, files: &[&str]) -> bool {
    let written = |file: &str| fs::metadata(folder.join(file)).and_then(|about| about.modified());
    let Ok(made) = written(FILE) else {
        return false;
    };
    let page = fs::read(folder.join(FILE)).unwrap_or_default();
    page.trim_ascii_end().ends_with(b"</html>")
        && files
            .iter()
            .all(|file| written(file).is_ok_and(|file| file <= made))
}

fn put(path: &Path, text: &str) -> Result<(), Error> {
    write_atomically(path, text.as_bytes()).map_err(Error::cannot_write(path))
}
