//! Repositories of datasets on the hub: what is in one at a revision, and its files.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::is_commit;
use super::cache::{Cache, failed, persist};
use super::client::{Bytes, Failure};
use super::error::Error;
use super::hub::Hub;
use super::remote::Remote;
use crate::atomic::write_atomically;
use crate::foreign::one_line;
use crate::progress::Progress;

/// Where a spec names a repository.
const KEY: &str = "dataset.repository";
/// A longer answer is none of the hub's.
const LONGEST: u64 = 64 << 20;

/// What the hub says of a dataset's repository at a revision (`GET /api/datasets/{repository}/revision/{revision}`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// The commit that the revision is.
    pub sha: String,
    /// Its files.
    #[serde(default)]
    pub siblings: Vec<RepositoryFile>,
    /// What its README.md says in its head, as JSON.
    #[serde(default, rename = "cardData")]
    pub card: Option<Value>,
}

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFile {
    /// Its path, parts joined by `/`.
    #[serde(rename = "rfilename")]
    pub path: String,
    /// Its length in bytes, where the server says it.
    #[serde(default)]
    pub size: Option<u64>,
    /// Of large files.
    #[serde(default)]
    lfs: Option<LargeFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LargeFile {
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

impl RepositoryFile {
    /// Whether its path leads nowhere but into the repository.
    fn is_inside(&self) -> bool {
        let is_plain =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
        self.path.split('/').all(is_plain)
    }
}

/// Why a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoRepository {
    /// The server says that there is none, or that it is private.
    #[error("the hub has no dataset {0}, or not for everyone")]
    Repository(String),
    /// It has no such revision, but these.
    #[error("{repository} has no revision \"{revision}\"")]
    Revision {
        repository: String,
        revision: String,
        there: Vec<String>,
    },
    #[error(transparent)]
    Other(#[from] Error),
}

/// Of one process's start to its end a revision is one commit.
type Known = HashMap<String, Arc<Repository>>;
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// What is in a repository at a revision: a branch, a tag or a commit. What the hub says is kept in the cache, where it is
/// believed of a commit, and of another revision where the hub cannot be asked, which is said.
///
/// # Errors
/// A repository or a revision that is not there; a server that fails for good; a cache that cannot be written.
pub fn repository(
    cache: &Cache,
    hub: &Hub,
    repository: &str,
    revision: &str,
) -> Result<Arc<Repository>, NoRepository> {
    let key = format!("{} {repository} {revision}", hub.endpoint);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(&key) {
        return Ok(Arc::clone(found));
    }
    let found = Arc::new(ask_or_remember(cache, hub, repository, revision)?);
    known.insert(key, Arc::clone(&found));
    Ok(found)
}

fn ask_or_remember(
    cache: &Cache,
    hub: &Hub,
    repository: &str,
    revision: &str,
) -> Result<Repository, NoRepository> {
    let path = cache.path(&format!(
        "{}/{}.json",
        folder(repository),
        escaped(revision)
    ))?;
    let kept =
        || -> Option<Repository> { serde_json::from_slice(&std::fs::read(&path).ok()?).ok() };
    if let Some(kept) = kept().filter(|_| is_commit(revision)) {
        return Ok(kept);
    }
    let address = format!(
        "{}/api/datasets/{repository}/revision/{}?blobs=true",
        hub.endpoint,
        escaped(revision)
    );
    let remote = remote(hub, address, folder(repository));
    let reason = match persist(cache.pauses(), || json(cache, &remote)) {
        Ok(found) => {
            let found = understood(found).map_err(|why| failed(&remote, &path, why))?;
            keep(&path, &found)?;
            return Ok(found);
        }
        Err(failure) if failure.is_missing => {
            return Err(missing(cache, hub, repository, revision));
        }
        Err(failure) => failure,
    };
    let Some(kept) = kept() else {
        return Err(failed(&remote, &path, reason).into());
    };
    tracing::warn!(
        "the hub cannot be asked what {} is at \"{}\" now ({}): it is taken at commit {}, as when it was last asked",
        one_line(repository),
        one_line(revision),
        one_line(&reason.reason),
        kept.sha
    );
    Ok(kept)
}

/// A repository's file in the cache, downloaded if need be and resumed where it was cut; its length and, of a large one,
/// its SHA-256 are checked.
///
/// # Errors
/// As [`Cache::file`].
pub fn repository_file(
    (cache, hub): (&Cache, &Hub),
    (repository, commit): (&str, &str),
    file: &RepositoryFile,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let place = format!("{}/{commit}/{}", folder(repository), file.path);
    let lfs = file.lfs.as_ref();
    let size = lfs.and_then(|lfs| lfs.size).or(file.size);
    let path = cache.path(&place)?;
    if is_checked(&path, size) {
        return Ok(path);
    }
    let address = hub.dataset(repository, commit, &percent_encoded(&file.path));
    let remote = Remote {
        size,
        sha256: lfs
            .and_then(|lfs| lfs.sha256.clone())
            .filter(|sum| sum.len() == 64),
        ..remote(hub, address, place)
    };
    let path = cache.file(&remote, progress)?;
    note_checked(&path);
    Ok(path)
}

/// Beside a file: how it was when its length and its SHA-256 were checked, so that not every start reads all of it.
fn note_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".checked");
    name.into()
}

/// What a change of a file changes.
fn stamp(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
    let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    #[cfg(unix)]
    let more = {
        use std::os::unix::fs::MetadataExt;
        format!("{} {}", about.ctime(), about.ctime_nsec())
    };
    #[cfg(not(unix))]
    let more = "";
    Some(format!("{} {} {more}", about.len(), changed.as_nanos()))
}

/// Whether a file is as it was when it was checked, and as long as the server says.
fn is_checked(path: &Path, size: Option<u64>) -> bool {
    let is_long = |about: Metadata| size.is_none_or(|size| size == about.len());
    let noted = std::fs::read_to_string(note_of(path)).ok();
    noted.is_some() && noted == stamp(path) && std::fs::metadata(path).is_ok_and(is_long)
}

/// A cache that cannot be written only makes the next start slower.
fn note_checked(path: &Path) {
    if let Some(stamp) = stamp(path) {
        let _ = write_atomically(&note_of(path), stamp.as_bytes());
    }
}

/// Whether [`repository_file`] would have to download it.
pub fn is_repository_file_cached(
    cache: &Cache,
    (repository, commit): (&str, &str),
    file: &RepositoryFile,
) -> bool {
    let place = cache.path(&format!("{}/{commit}/{}", folder(repository), file.path));
    place.is_ok_and(|place| place.is_file())
}

/// The folder of a repository in the cache.
fn folder(repository: &str) -> String {
    format!("datasets/hub/{}", repository.replace('/', "--"))
}

/// A revision as one part of an address, or of a path.
fn escaped(revision: &str) -> String {
    percent_encoded(revision).replace('/', "%2F")
}

/// With everything but letters, digits and `-._~/` as `%` and two digits (RFC 3986, 2.1).
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

fn remote(hub: &Hub, url: String, path_in_cache: String) -> Remote {
    Remote {
        url,
        path_in_cache,
        size: None,
        sha256: None,
        token: hub.token(),
        key: KEY,
    }
}

/// An answer in JSON.
fn json(cache: &Cache, remote: &Remote) -> Result<Value, Failure> {
    let reply = cache
        .client()
        .get(&remote.url, remote.token.as_ref(), Bytes::All)?;
    let mut text = Vec::new();
    let read = reply.body.take(LONGEST).read_to_end(&mut text);
    read.map_err(|e| Failure::passing(format!("the connection broke: {e}")))?;
    if reply.total.is_some_and(|total| total != text.len() as u64) {
        return Err(Failure::passing("the connection ended early"));
    }
    serde_json::from_slice(&text)
        .map_err(|e| Failure::lasting(format!("the answer is not the hub's: {e}")))
}

fn understood(answer: Value) -> Result<Repository, Failure> {
    let wrong = |why: String| Failure::lasting(format!("the answer is not the hub's: {why}"));
    let mut found: Repository = serde_json::from_value(answer).map_err(|e| wrong(e.to_string()))?;
    if !is_commit(&found.sha) {
        return Err(wrong("it names no commit".into()));
    }
    found.siblings.retain(RepositoryFile::is_inside);
    found.siblings.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Keeps what is known of a revision beside the files.
fn keep(path: &Path, found: &Repository) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(path.parent().unwrap_or(path))?;
        let text = serde_json::to_vec(found)?;
        write_atomically(&path.with_file_name(format!("{}.json", found.sha)), &text)?;
        write_atomically(path, &text)
    };
    write().map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// What is missing of a revision of a repository that the server does not have.
fn missing(cache: &Cache, hub: &Hub, repository: &str, revision: &str) -> NoRepository {
    let address = format!("{}/api/datasets/{repository}/refs", hub.endpoint);
    let refs = persist(cache.pauses(), || {
        json(cache, &remote(hub, address.clone(), folder(repository)))
    });
    let Ok(refs) = refs else {
        return NoRepository::Repository(repository.to_owned());
    };
    let kinds = ["branches", "tags", "converts"].into_iter();
    let refs = kinds.filter_map(|kind| refs.get(kind)?.as_array());
    let name = |of: &Value| Some(of.get("name").or(of.get("ref"))?.as_str()?.to_owned());
    NoRepository::Revision {
        repository: repository.to_owned(),
        revision: revision.to_owned(),
        there: refs.flatten().filter_map(name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_of_the_repository_are_left_out() {
        let file = |path: &str| serde_json::json!({ "rfilename": path });
        let paths = [
            "b.parquet",
            "a/../../x",
            "/etc/passwd",
            "a//b",
            "C:\\x",
            "a/b.parquet",
        ];
        let answer = serde_json::json!({
            "sha": "0".repeat(40), "siblings": paths.map(file),
        });
        let found = understood(answer).unwrap();
        let kept: Vec<&str> = found.siblings.iter().map(|file| &*file.path).collect();
        assert_eq!(kept, ["a/b.parquet", "b.parquet"]);
        assert!(understood(serde_json::json!({ "sha": "main" })).is_err());
    }

    #[test]
    fn revisions_and_paths_are_escaped() {
        assert_eq!(escaped("refs/convert/parquet"), "refs%2Fconvert%2Fparquet");
        assert_eq!(percent_encoded("a b/ü.parquet"), "a%20b/%C3%BC.parquet");
    }
}
