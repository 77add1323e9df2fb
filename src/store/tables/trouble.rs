//! Damaged files that are made again, or done without.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::TableError;
use crate::foreign;
use crate::store::folder::runs_folder;

/// What every table begins with.
const MAGIC: &[u8] = b"PAR1";

/// A damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    path: PathBuf,
    why: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A table of the experiment; these runs have no rows of their own.
    Table(Vec<String>),
    /// The own rows of this run.
    Run(String),
}

impl Trouble {
    /// A table, where the runs `with` have rows of their own.
    pub(super) fn of_table<'a>(
        path: &Path,
        why: &str,
        with: impl Iterator<Item = &'a String>,
    ) -> Self {
        let runs = path.parent().map(runs_folder).unwrap_or_default();
        Trouble {
            path: path.to_owned(),
            why: why.to_owned(),
            kind: Kind::Table(without_rows(&runs, with)),
        }
    }

    /// The own rows of a run.
    pub(super) fn of_run(folder: &Path, run: &str, why: &str) -> Self {
        Trouble {
            path: folder.to_owned(),
            why: why.to_owned(),
            kind: Kind::Run(run.to_owned()),
        }
    }

    /// Moves the file aside before another takes its place, unless the runs' folders hold all that was in it.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn set_aside(&self) -> Result<(), TableError> {
        match &self.kind {
            Kind::Table(missing) if !missing.is_empty() || !self.was_a_table() => {
                let mut name = self.path.clone().into_os_string();
                name.push(".damaged");
                match fs::rename(&self.path, name) {
                    Err(source) if source.kind() != io::ErrorKind::NotFound => {
                        let path = self.path.clone();
                        Err(TableError::Write { path, source })
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether the file is empty, or begins as a table does.
    fn was_a_table(&self) -> bool {
        let mut start = Vec::new();
        let file = File::open(&self.path);
        let read = file.and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start));
        read.is_ok() && MAGIC.starts_with(&start)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, why) = (foreign::path(&self.path), &self.why);
        match &self.kind {
            Kind::Table(missing) => {
                write!(
                    f,
                    "{path} is damaged ({why}); it is rebuilt from the runs' folders"
                )?;
                if missing.is_empty() {
                    return Ok(());
                }
                let runs = missing.join(", ");
                write!(
                    f,
                    ", which hold no rows of {runs}: runs of an earlier version, or not begun"
                )
            }
            Kind::Run(run) => write!(
                f,
                "the rows of {run} in {path} are damaged ({why}); those of the experiment's tables are used, if any"
            ),
        }
    }
}

/// The runs among these folders that have no rows of their own.
fn without_rows<'a>(folder: &Path, with: impl Iterator<Item = &'a String>) -> Vec<String> {
    let with: HashSet<&String> = with.collect();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !with.contains(name)).collect();
    names.sort();
    names
}
