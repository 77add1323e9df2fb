//! Looking around in folders.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::Error;

/// What systems and programs leave in folders, beside everything whose name begins with a dot; by lower-case name.
const LEFT_BY_SYSTEMS: [&str; 9] = [
    "__macosx",
    "__pycache__",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "lost+found",
];

/// A path's last name, for people and for comparing.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Files whose names alone tell what they are, with these.
pub(super) fn named(files: Vec<PathBuf>) -> Vec<(String, PathBuf)> {
    let named = |path: PathBuf| (file_name(&path), path);
    files.into_iter().map(named).collect()
}

fn is_left_out(name: &str) -> bool {
    name.starts_with('.') || LEFT_BY_SYSTEMS.contains(&name.to_lowercase().as_str())
}

/// What lies directly in `folder`, hidden entries and what systems leave there left out, sorted by name: folders, then
/// everything else.
pub(super) fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if is_left_out(&file_name(&path)) {
            continue;
        }
        // Links are followed: the hub's cache consists of them.
        let about = fs::metadata(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::file(&path, "is a link to a file that is not there"),
            _ => Error::io(&path)(error),
        })?;
        if about.is_dir() {
            folders.push(path);
        } else {
            files.push(path);
        }
    }
    folders.sort();
    files.sort();
    Ok((folders, files))
}

/// A way through folders that goes into each of them once, however many links lead there.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Folders without links in their paths.
    seen: HashSet<PathBuf>,
    /// Links to folders that had been gone into, or lie above.
    pub again: Vec<PathBuf>,
}

impl Walk {
    /// A walk that does not go into these folders, nor into any that one of them lies in.
    pub fn beside<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Result<Self, Error> {
        let mut walk = Walk::default();
        for folder in folders {
            let real = real(folder)?;
            walk.seen.extend(real.ancestors().map(Path::to_owned));
        }
        Ok(walk)
    }

    /// All files in `folder` and below, sorted by path; hidden ones left out.
    pub fn files(&mut self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let (folders, mut files) = entries(folder)?;
        for folder in folders {
            if self.seen.insert(real(&folder)?) {
                files.extend(self.files(&folder)?);
            } else {
                self.again.push(folder);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// The folder itself, wherever links to it lie.
pub(super) fn real(folder: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(folder).map_err(Error::io(folder))
}

/// All files in `folder` and below, sorted by path; hidden ones left out, and links in circles.
pub(super) fn walk(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Walk::beside([folder])?.files(folder)
}
