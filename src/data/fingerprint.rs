//! What tells a dataset on disk from another one.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::Error;
use super::{contents, sources};
use crate::datasets::PathUse;
use crate::spec::Dataset;
use crate::text::hex;

/// A SHA-256 over the names and contents of the files that a dataset is read from, wherever they lie; `None` where the
/// catalog says what they are. Of large datasets, `cache` keeps what does not change between two starts.
///
/// # Errors
/// Files that are missing or cannot be read.
pub fn fingerprint(spec: &Dataset, cache: Option<&Path>) -> Result<Option<String>, Error> {
    let path = match (&spec.path, spec.name.path) {
        (Some(path), _) => path.clone(),
        (None, PathUse::Repository) => PathBuf::new(),
        (None, _) => return Ok(None),
    };
    let mut files = sources::open(spec, &path)?.files()?;
    files.sort();
    let mut hasher = Sha256::new();
    let (names, paths): (Vec<String>, Vec<PathBuf>) = files.into_iter().unzip();
    // What is kept of a repository's files is kept under the first's name.
    let place = match path.as_os_str().is_empty() {
        true => paths.first().unwrap_or(&path),
        false => &path,
    };
    let digests = contents::digests(place, &paths, cache)?;
    for (name, digest) in names.iter().zip(digests) {
        hasher.update(format!("{digest} {name}\n"));
    }
    Ok(Some(hex(hasher.finalize())))
}
