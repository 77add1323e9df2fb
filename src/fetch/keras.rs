//! Weights that `keras.applications` downloads: HDF5 files, kept as what they are converted to.

use std::fs;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::cache::Cache;
use super::error::Error;
use super::remote::Remote;
use super::selection;
use crate::progress::Progress;
use crate::text::hex;
use crate::zoo::KerasFile;

/// Where they lie where `KERAS_ENDPOINT` is not set.
const DEFAULT_ENDPOINT: &str = "https://storage.googleapis.com/tensorflow/keras-applications";

/// Writes what an HDF5 file holds to a path, as safetensors.
pub type Convert<'a> = &'a dyn Fn(&Path, &Path) -> Result<(), String>;

/// The safetensors of a file of Keras's, downloaded and converted where the cache does not have it.
///
/// # Errors
/// As [`Cache::file`]; another file than Keras's, by its MD5.
pub fn keras(
    cache: &Cache,
    file: &KerasFile,
    convert: Convert<'_>,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    if let Some(path) = cached_keras(cache, file) {
        return Ok(path);
    }
    let name = format!("weights/keras/{}.safetensors", file.name());
    let partial = cache.partial(&name)?;
    if let Some(path) = cached_keras(cache, file) {
        return Ok(path);
    }
    let path = converted(cache, file)?;
    let remote = remote(file);
    let downloaded = cache.checked_file(&remote, &|came| is_kerass(came, file), progress)?;
    let wrong = |reason| Error::Converting {
        path: downloaded.clone(),
        reason,
    };
    // One that was put there by hand has not been looked at.
    is_kerass(&downloaded, file).map_err(wrong)?;
    convert(&downloaded, partial.path()).map_err(wrong)?;
    selection::keep_sum(partial.path(), &path)?;
    partial.publish(&path)?;
    let _ = fs::remove_file(&downloaded);
    Ok(path)
}

/// What [`keras`] would give without the network; none where something would have to be downloaded.
pub fn cached_keras(cache: &Cache, file: &KerasFile) -> Option<PathBuf> {
    let path = converted(cache, file).ok()?;
    (path.is_file() && selection::is_unaltered(&path)).then_some(path)
}

fn converted(cache: &Cache, file: &KerasFile) -> Result<PathBuf, Error> {
    let path = cache.path(&format!("weights/keras/{}", file.name()))?;
    Ok(path.with_extension("safetensors"))
}

fn remote(file: &KerasFile) -> Remote {
    let endpoint = std::env::var("KERAS_ENDPOINT").ok();
    let endpoint = endpoint.filter(|endpoint| !endpoint.trim().is_empty());
    let endpoint = endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT).trim();
    let name = file.name();
    Remote {
        url: format!("{}/{}/{name}", endpoint.trim_end_matches('/'), file.folder),
        path_in_cache: format!("weights/keras/{name}"),
        size: None,
        sha256: None,
        token: None,
        key: "backbone.weights",
    }
}

/// Whether a file is the one that Keras checks by the same sum.
fn is_kerass(path: &Path, file: &KerasFile) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let found = hex(Md5::digest(&bytes));
    if found == file.md5 {
        return Ok(());
    }
    let expected = file.md5;
    Err(format!("it has MD5 {found}, and Keras's {expected}"))
}
