//! Looking around in folders.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// A path's last name, for people and for comparing.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// What lies directly in `folder`, hidden entries left out, sorted by name: folders, then files.
pub(super) fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if file_name(&path).starts_with('.') {
            continue;
        }
        // Links are followed: the hub's cache consists of them.
        if fs::metadata(&path).map_err(Error::io(&path))?.is_dir() {
            folders.push(path);
        } else {
            files.push(path);
        }
    }
    folders.sort();
    files.sort();
    Ok((folders, files))
}

/// All files in `folder` and up to `depth` folders below, sorted by path; hidden ones left out.
pub(super) fn walk(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, Error> {
    let (folders, mut files) = entries(folder)?;
    if depth > 0 {
        for folder in folders {
            files.extend(walk(&folder, depth - 1)?);
        }
    }
    files.sort();
    Ok(files)
}
