//! ImageNet weights from the hub: only the tensors that are needed, where the server allows.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::cache::{failed, persist};
use super::layout::Unreadable;
use super::selection::Selection;
use super::{Cache, Error, Hub, Layout, Progress, Remote};
use crate::spec::Arch;
use crate::zoo::Published;

/// A safetensors file with the tensors of `arch` trained on ImageNet that are `wanted` (asked by their names in
/// timm's file), downloading them if they are not in the cache yet.
///
/// A server that does not do range requests, or a whole `model.safetensors` put into the cache by hand, gives a file
/// with all of the tensors.
///
/// # Errors
/// [`Error::NoWeights`] where nobody dependable publishes them; otherwise as [`Cache::file`].
pub fn imagenet(
    cache: &Cache,
    hub: &Hub,
    arch: Arch,
    wanted: &dyn Fn(&str) -> bool,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let Published {
        repository,
        revision,
    } = arch.imagenet.ok_or(Error::NoWeights(arch))?;
    let folder = format!("weights/{}/{revision}", repository.replace('/', "--"));
    let remote = Remote {
        url: hub.model(repository, revision, "model.safetensors"),
        path_in_cache: format!("{folder}/model.safetensors"),
        size: None,
        sha256: None,
        token: hub.token(),
        key: "backbone.weights",
    };
    let selection = Selection {
        remote: &remote,
        folder: cache.path(&folder),
        wanted,
        name: format!("{arch} weights"),
    };
    if let Some(path) = selection.found() {
        return Ok(path);
    }
    let partial = cache.partial(&format!("{folder}/selection"))?;
    if let Some(path) = selection.found() {
        return Ok(path);
    }
    let client = cache.client();
    let outcome = persist(cache.pauses(), || {
        selection.download(&client, &partial, progress)
    });
    match outcome {
        Ok(Some(path)) => Selection::publish(partial, &path).map(|()| path),
        Ok(None) => cache.checked_file(&remote, &is_weights, progress),
        Err(failure) => {
            let whole = cache.path(&remote.path_in_cache);
            Err(failed(&remote, &whole, failure))
        }
    }
}

/// Whether a file is safetensors, and not a page that some network put in its place.
fn is_weights(path: &Path) -> Result<(), String> {
    let head = File::open(path)
        .map_err(Unreadable::Io)
        .and_then(|mut file| Layout::read(&mut file));
    head.map(|_| ())
        .map_err(|e| format!("what came is of no use: {e}"))
}
