//! Some tensors of a safetensors file on a server, as a file of their own.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::address::is_commit;
use super::client::{Bytes, Client, Failure};
use super::download::{Meter, pour, sha256, unwritable};
use super::error::Error;
use super::head::Head;
use super::layout::Layout;
use super::partial::Partial;
use super::remote::Remote;
use crate::foreign;
use crate::progress::Progress;
use crate::text::hex;

/// The wanted tensors of one file.
pub(super) struct Selection<'a> {
    pub remote: &'a Remote,
    /// Where the result and what belongs to it is kept.
    pub folder: PathBuf,
    /// Whether the tensor of this name is wanted.
    pub wanted: &'a dyn Fn(&str) -> bool,
    /// For people.
    pub name: String,
}

/// What came of a selection.
pub(super) struct Came {
    /// The path it is to get.
    pub path: PathBuf,
    /// The commit that it is of, where the server said so.
    pub commit: Option<String>,
}

impl Selection<'_> {
    /// The file with these tensors, or with all, if it is in the cache.
    pub fn found(&self) -> Option<PathBuf> {
        let whole = self.folder.join(self.remote.name());
        if whole.is_file() && is_unaltered(&whole) {
            return Some(whole);
        }
        let head = Head::kept(&self.head_path())?;
        let (chosen, _) = head.layout.select(self.wanted);
        Some(self.path(&chosen)).filter(|path| path.is_file() && is_unaltered(path))
    }

    /// Gives what was downloaded its name, and keeps its checksum and its commit beside it.
    pub fn publish(partial: Partial, Came { path, commit }: &Came) -> Result<(), Error> {
        keep_sum(partial.path(), path)?;
        keep_commit(path, commit.as_deref())?;
        partial.publish(path)
    }

    /// One attempt at having the wanted tensors in `partial`; none where the server does not do ranges.
    pub fn download(
        &self,
        client: &Client,
        partial: &Partial,
        progress: &dyn Progress,
    ) -> Result<Option<Came>, Failure> {
        let path = self.head_path();
        let head = match Head::kept(&path) {
            Some(head) => head,
            None => match Head::ask(client, self.remote, &path)? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        let (chosen, places) = head.layout.select(self.wanted);
        if chosen.tensors.is_empty() {
            return Err(Failure::lasting("it has none of the tensors needed"));
        }
        let (mut file, have) =
            open(partial, &head, &chosen).map_err(|e| unwritable(partial.path(), &e))?;
        let meter = Meter::start(progress, &self.name, Some(chosen.data_length()), have);
        let mut gained = 0;
        for place in missing(&places, have) {
            let piece = self.piece(client, &head, place, partial, &mut file, &meter);
            gained += piece.map_err(|failure| Failure {
                gained: failure.gained + gained,
                ..failure
            })?;
        }
        Ok(Some(Came {
            path: self.path(&chosen),
            commit: head.commit,
        }))
    }

    /// Appends the bytes at `place` of the tensors' data; how many.
    fn piece(
        &self,
        client: &Client,
        head: &Head,
        place: Range<u64>,
        partial: &Partial,
        file: &mut File,
        meter: &Meter<'_>,
    ) -> Result<u64, Failure> {
        let (start, end) = (head.data_start + place.start, head.data_start + place.end);
        let bytes = Bytes::Within(start, end, head.tag.as_deref());
        let reply = client.get(&self.remote.url, self.remote.token.as_ref(), bytes)?;
        let another_length = |total| total != head.file_length();
        if reply.range.is_none() || reply.total.is_some_and(another_length) {
            partial.discard();
            let _ = fs::remove_file(self.head_path());
            return Err(Failure::passing("the file changed while it was read"));
        }
        let came = pour(reply.body, file, partial.path(), Some(end - start), meter)?;
        if came == end - start {
            Ok(came)
        } else {
            Err(Failure {
                gained: came,
                ..Failure::passing("the connection ended early")
            })
        }
    }

    fn head_path(&self) -> PathBuf {
        self.folder.join("head.json")
    }

    /// Named after the tensors in it, so that another selection is another file.
    fn path(&self, chosen: &Layout) -> PathBuf {
        let mut hasher = Sha256::new();
        for (name, _) in &chosen.tensors {
            hasher.update(name);
            hasher.update([0]);
        }
        let hash: String = hex(hasher.finalize()).chars().take(12).collect();
        let count = chosen.tensors.len();
        self.folder
            .join(format!("{count}-tensors-{hash}.safetensors"))
    }
}

/// Keeps the checksum of what came, for what is or will be at `path`.
pub(super) fn keep_sum(came: &Path, path: &Path) -> Result<(), Error> {
    let keep = || {
        let sum = sha256(came)?;
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(sum_path(path), sum)
    };
    keep().map_err(|source| Error::Io {
        path: sum_path(path),
        source,
    })
}

/// The commit that a file of the cache is of, where the server said so.
pub(super) fn commit(path: &Path) -> Option<String> {
    let kept = fs::read_to_string(commit_path(path)).ok()?;
    is_commit(&kept).then_some(kept)
}

/// Keeps the commit of what will be at `path`; none makes an earlier one forgotten.
fn keep_commit(path: &Path, commit: Option<&str>) -> Result<(), Error> {
    let kept = commit_path(path);
    let done = match commit {
        Some(commit) => fs::write(&kept, commit),
        None => match fs::remove_file(&kept) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        },
    };
    done.map_err(|source| Error::Io { path: kept, source })
}

/// Refuses what came for `path` where it is not what came the first time: runs of then would be taken for runs of now.
pub(super) fn is_as_before(came: &Path, path: &Path) -> Result<(), String> {
    let Ok(kept) = fs::read_to_string(sum_path(path)) else {
        return Ok(());
    };
    let sum = sha256(came).map_err(|error| format!("{}: {error}", foreign::path(came)))?;
    if sum == kept {
        return Ok(());
    }
    Err(format!(
        "the server's file is not the one that was downloaded first: its SHA-256 was {kept} and is {sum}; to take the \
         new one, with runs of their own, delete {}",
        foreign::path(&sum_path(path))
    ))
}

/// Where the checksum of what was downloaded is kept.
fn sum_path(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

/// Where the commit of what was downloaded is kept.
fn commit_path(path: &Path) -> PathBuf {
    path.with_extension("commit")
}

/// Whether a file has the checksum it was given; one that was given none is taken on trust.
pub(super) fn is_unaltered(path: &Path) -> bool {
    let (Ok(kept), Ok(found)) = (fs::read_to_string(sum_path(path)), sha256(path)) else {
        return true;
    };
    if kept != found {
        tracing::warn!(
            "{} was altered since it was downloaded; it is fetched again",
            foreign::path(path)
        );
    }
    kept == found
}

/// The part file, ready for more bytes, and how many bytes of tensors it has. It begins with the new head; one that
/// belongs to another selection or version is begun anew.
fn open(partial: &Partial, head: &Head, chosen: &Layout) -> io::Result<(File, u64)> {
    let prefix = chosen.encode();
    let whole = prefix.len() as u64 + chosen.data_length();
    let same_version = head.tag.is_some() && partial.tag() == head.tag;
    if same_version && partial.len() <= whole && begins_with(partial.path(), &prefix)? {
        let have = partial.len() - prefix.len() as u64;
        return Ok((partial.resume()?, have));
    }
    let mut file = partial.begin(head.tag.as_deref())?;
    file.write_all(&prefix)?;
    Ok((file, 0))
}

fn begins_with(path: &Path, prefix: &[u8]) -> io::Result<bool> {
    let mut first = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(prefix.len() as u64).read_to_end(&mut first)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    Ok(first == prefix)
}

/// What is left of `places` after their first `have` bytes.
fn missing(places: &[Range<u64>], mut have: u64) -> Vec<Range<u64>> {
    let rest = places.iter().map(|place| {
        let done = have.min(place.end - place.start);
        have -= done;
        place.start + done..place.end
    });
    rest.filter(|place| !place.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_begins_inside_a_place() {
        let places = [0..4, 10..20, 30..31];
        assert_eq!(missing(&places, 0), places);
        assert_eq!(missing(&places, 4), [10..20, 30..31]);
        assert_eq!(missing(&places, 9), [15..20, 30..31]);
        assert_eq!(missing(&places, 15), [0..0; 0]);
    }
}
