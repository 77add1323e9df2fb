//! Bytes from a server into a part file, continued where they were cut.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::client::{Bytes, Client, Failure, Reply};
use super::partial::Partial;
use super::remote::Remote;
use crate::files::open_regular;
use crate::foreign;
use crate::progress::Progress;
use crate::text::hex;

/// Read and written at once, in bytes.
const PIECE: usize = 1 << 16;

/// One attempt at having all of `remote` in `partial`, checked.
pub(super) fn whole(
    client: &Client,
    remote: &Remote,
    partial: &Partial,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let continued = receive(client, remote, partial, progress)?;
    let Some(expected) = &remote.sha256 else {
        return Ok(());
    };
    let found = sha256(partial.path()).map_err(|e| unwritable(partial.path(), &e))?;
    if found == *expected {
        return Ok(());
    }
    partial.discard();
    // A part of an older version may have been continued: the next attempt begins at the first byte.
    Err(Failure {
        again: continued,
        ..Failure::lasting(format!(
            "what came has SHA-256 {found}, expected {expected}"
        ))
    })
}

/// Fills the part; whether bytes of an earlier attempt are in it.
fn receive(
    client: &Client,
    remote: &Remote,
    partial: &Partial,
    progress: &dyn Progress,
) -> Result<bool, Failure> {
    let tag = partial.tag();
    let mut have = usable(remote, partial.len(), tag.is_some());
    if have > 0 && remote.size == Some(have) {
        return Ok(true);
    }
    let bytes = match have {
        0 => Bytes::All,
        _ => Bytes::From(have, tag.as_deref()),
    };
    let reply = client
        .get(&remote.url, remote.token.as_ref(), bytes)
        .inspect_err(|failure| {
            if failure.stale {
                partial.discard();
            }
        })?;
    let expected = agreed_size(remote, &reply)?;
    let continued = reply.range.is_some();
    let file = if continued {
        partial.resume()
    } else {
        have = 0;
        partial.begin(reply.tag.as_deref())
    };
    let mut file = file.map_err(|e| unwritable(partial.path(), &e))?;
    let meter = Meter::start(progress, remote.name(), expected, have);
    let came = pour(
        reply.body,
        &mut file,
        partial.path(),
        expected.map(|e| e - have.min(e)),
        &meter,
    )?;
    match expected {
        Some(expected) if have + came < expected => Err(Failure {
            gained: came,
            ..Failure::passing(format!(
                "the connection ended after {} of {expected} bytes",
                have + came
            ))
        }),
        _ => Ok(continued),
    }
}

/// How much of a part of `length` bytes can be kept: all, if its version or the result can be checked.
fn usable(remote: &Remote, length: u64, tagged: bool) -> u64 {
    let checkable = tagged || remote.sha256.is_some();
    let fits = remote.size.is_none_or(|size| length <= size);
    if checkable && fits { length } else { 0 }
}

/// The file's length, which the server and we must agree on where both know it.
fn agreed_size(remote: &Remote, reply: &Reply) -> Result<Option<u64>, Failure> {
    match (remote.size, reply.total) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(Failure::lasting(format!(
            "the server's file has {theirs} bytes, expected {ours}"
        ))),
        (ours, theirs) => Ok(ours.or(theirs)),
    }
}

/// Copies `body` to the end of `file`, at most `limit` bytes; how many came.
pub(super) fn pour(
    mut body: impl Read,
    file: &mut File,
    path: &Path,
    limit: Option<u64>,
    meter: &Meter<'_>,
) -> Result<u64, Failure> {
    let mut piece = vec![0; PIECE];
    let mut came = 0;
    loop {
        let read = match body.read(&mut piece) {
            Ok(0) => return Ok(came),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                return Err(Failure {
                    gained: came,
                    ..Failure::passing(broken(&e))
                });
            }
        };
        if limit.is_some_and(|limit| came + read as u64 > limit) {
            return Err(Failure::lasting("more bytes come than expected"));
        }
        let bytes = piece.get(..read).unwrap_or_default();
        file.write_all(bytes).map_err(|e| unwritable(path, &e))?;
        came += read as u64;
        meter.advance(read as u64);
    }
}

fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut if error.get_ref().is_some_and(|e| !e.is::<ureq::Error>()) => {
            error.to_string()
        }
        io::ErrorKind::TimedOut => "the server fell silent".to_string(),
        _ => format!("the connection broke: {error}"),
    }
}

/// The disk, not the network, fails.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::lasting(format!("cannot write {}: {error}", foreign::path(path)))
}

/// The SHA-256 of a file in lowercase hexadecimal.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = open_regular(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(hasher.finalize())),
            read => hasher.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

/// Progress that is finished on every way out.
pub(super) struct Meter<'a>(&'a dyn Progress);

impl<'a> Meter<'a> {
    /// Begins at `have` of `total` bytes.
    pub fn start(progress: &'a dyn Progress, what: &str, total: Option<u64>, have: u64) -> Self {
        progress.start(what, total, true);
        progress.advance(have);
        Meter(progress)
    }

    pub fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}
