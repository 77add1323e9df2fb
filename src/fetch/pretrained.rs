//! Pretrained weights from the hub: only the tensors that are needed, where the server allows.

use std::path::{Path, PathBuf};

use super::address::is_commit;
use super::cache::Cache;
use super::cache::{failed, persist};
use super::client::Failure;
use super::error::Error;
use super::hub::Hub;
use super::layout::Layout;
use super::layout::Unreadable;
use super::remote::Remote;
use super::selection::{self, Selection};
use crate::files::open_regular;
use crate::progress::Progress;
use crate::spec::{Arch, Backbone, Weights};
use crate::zoo::{Published, TimmWeights};

/// What the weights called "imagenet" are.
///
/// # Errors
/// [`Error::NoWeights`] where nobody dependable publishes them.
pub fn published(arch: Arch) -> Result<Published, Error> {
    arch.imagenet.ok_or(Error::NoWeights(arch))
}

/// A `model.safetensors` of the hub that a backbone's weights come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source<'a> {
    pub published: Published,
    /// A commit, branch or tag.
    pub revision: &'a str,
}

impl<'a> Source<'a> {
    /// Where on the hub the weights of a backbone are; none where they are not there.
    ///
    /// # Errors
    /// [`Error::NoWeights`] where nobody dependable publishes them; [`Error::UnknownRepository`].
    pub fn of(backbone: &'a Backbone) -> Result<Option<Self>, Error> {
        Ok(match &backbone.weights {
            Weights::Imagenet => Some(Source::imagenet(backbone.arch)?),
            Weights::Hub(repository) => {
                let unknown = || Error::UnknownRepository(repository.name.clone());
                let weights = TimmWeights::of(&repository.name).ok_or_else(unknown)?;
                let revision = repository.revision.as_deref();
                Some(Source {
                    published: weights.published,
                    revision: revision.unwrap_or(weights.published.revision),
                })
            }
            Weights::Keras | Weights::Random | Weights::File(_) | Weights::Experiment(_) => None,
        })
    }

    /// Whether the revision is a commit, which no one can move.
    pub fn is_pinned(&self) -> bool {
        is_commit(self.revision)
    }

    /// The catalog's weights of an architecture.
    ///
    /// # Errors
    /// As [`published`].
    pub fn imagenet(arch: Arch) -> Result<Self, Error> {
        let published = published(arch)?;
        Ok(Source {
            published,
            revision: published.revision,
        })
    }
}

/// How to get weights that nobody publishes as safetensors.
pub fn how_to_convert(arch: Arch) -> String {
    format!(
        "save torchvision's, in Python: from torchvision.models import get_model; from safetensors.torch import \
         save_file; save_file(get_model(\"{arch}\", weights=\"DEFAULT\").state_dict(), \"{arch}.safetensors\"); \
         then set weights = \"{arch}.safetensors\""
    )
}

/// A safetensors file with the tensors of a source that are `wanted` (asked by their names there), downloading them if
/// they are not in the cache yet.
///
/// A server that does not do range requests, or a whole `model.safetensors` put into the cache by hand, gives a file
/// with all of the tensors.
///
/// # Errors
/// As [`Cache::file`].
pub fn pretrained(
    cache: &Cache,
    hub: &Hub,
    source: &Source<'_>,
    wanted: &dyn Fn(&str) -> bool,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let (folder, remote) = remote(hub, source);
    let selection = Selection {
        remote: &remote,
        folder: cache.path(&folder)?,
        wanted,
        name: format!("weights of {}", source.published.repository),
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
        let came = selection.download(&client, &partial, progress)?;
        if let Some(came) = &came {
            selection::is_as_before(partial.path(), &came.path).map_err(|reason| {
                partial.discard();
                Failure::lasting(reason)
            })?;
        }
        Ok(came)
    });
    let whole = cache.path(&remote.path_in_cache)?;
    match outcome {
        Ok(Some(came)) => Selection::publish(partial, &came).map(|()| came.path),
        Ok(None) => {
            let check = |came: &Path| {
                is_weights(came)?;
                selection::is_as_before(came, &whole)
            };
            let path = cache.checked_file(&remote, &check, progress)?;
            selection::keep_sum(&path, &path)?;
            Ok(path)
        }
        Err(failure) => Err(failed(&remote, &whole, failure)),
    }
}

/// What [`pretrained`] would give without the network: none where something would have to be downloaded.
pub fn cached_pretrained(
    cache: &Cache,
    hub: &Hub,
    source: &Source<'_>,
    wanted: &dyn Fn(&str) -> bool,
) -> Option<PathBuf> {
    let (folder, remote) = remote(hub, source);
    let selection = Selection {
        remote: &remote,
        folder: cache.path(&folder).ok()?,
        wanted,
        name: String::new(),
    };
    selection.found()
}

/// The commit of its repository that a file which [`pretrained`] gave is of; none where the server did not say so.
pub fn commit(path: &Path) -> Option<String> {
    selection::commit(path)
}

/// The whole file with the weights, and the folder of the cache for it and its parts.
fn remote(hub: &Hub, source: &Source<'_>) -> (String, Remote) {
    let (repository, revision) = (source.published.repository, source.revision);
    let folder = format!("weights/{}/{revision}", repository.replace('/', "--"));
    let remote = Remote {
        url: hub.model(repository, revision, "model.safetensors"),
        path_in_cache: format!("{folder}/model.safetensors"),
        size: None,
        sha256: None,
        token: hub.token(),
        key: "backbone.weights",
    };
    (folder, remote)
}

/// Whether a file is safetensors, and not a page that some network put in its place.
fn is_weights(path: &Path) -> Result<(), String> {
    let head = open_regular(path)
        .map_err(Unreadable::Io)
        .and_then(|mut file| Layout::read(&mut file));
    head.map(|_| ())
        .map_err(|e| format!("the answer cannot be used: {e}"))
}
