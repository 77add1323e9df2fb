//! The head of a safetensors file on a server, read alone and kept.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::client::{Bytes, Client, Failure};
use super::download::unwritable;
use super::layout::LENGTH_BYTES;
use super::layout::Layout;
use super::remote::Remote;

/// Where the tensors of a file on a server are.
pub(super) struct Head {
    /// The ETag of the version it was read from.
    pub tag: Option<String>,
    /// The commit that this version was of when it was asked for.
    pub commit: Option<String>,
    pub layout: Layout,
    /// Where in the file the tensors' bytes begin.
    pub data_start: u64,
}

/// The head as it is kept in the cache.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    tag: Option<String>,
    #[serde(default)]
    commit: Option<String>,
    json: String,
}

impl Head {
    /// The length of the whole file.
    pub fn file_length(&self) -> u64 {
        self.data_start + self.layout.data_length()
    }

    /// The head kept at `path` earlier.
    pub fn kept(path: &Path) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        Head::new(kept).ok()
    }

    /// Asks the server for the head and keeps it at `path`; none where the server does not do ranges.
    pub fn ask(client: &Client, remote: &Remote, path: &Path) -> Result<Option<Self>, Failure> {
        let get = |bytes| client.get(&remote.url, remote.token.as_ref(), bytes);
        let reply = get(Bytes::Within(0, LENGTH_BYTES, None))?;
        if reply.range.is_none() {
            return Ok(None);
        }
        let (tag, commit, total) = (reply.tag, reply.commit, reply.total);
        let first: [u8; LENGTH_BYTES as usize] = read(reply.body, LENGTH_BYTES)?
            .try_into()
            .map_err(|_| Failure::passing("the connection ended early"))?;
        let length = Layout::json_length(first).map_err(Failure::lasting)?;
        let data_start = LENGTH_BYTES + length;
        if total.is_some_and(|total| total < data_start) {
            return Err(Failure::lasting("the file is shorter than its own head"));
        }
        let reply = get(Bytes::Within(LENGTH_BYTES, data_start, tag.as_deref()))?;
        if reply.range.is_none() || reply.total != total {
            return Err(Failure::passing("the file changed while it was read"));
        }
        let json = String::from_utf8(read(reply.body, length)?)
            .map_err(|_| Failure::lasting("the head of the safetensors file is not text"))?;
        let kept = Kept { tag, commit, json };
        let head = Head::new(kept.clone()).map_err(Failure::lasting)?;
        if total.is_some_and(|total| total != head.file_length()) {
            return Err(Failure::lasting("the file is not as long as its head says"));
        }
        keep(path, &kept)?;
        Ok(Some(head))
    }

    fn new(Kept { tag, commit, json }: Kept) -> Result<Self, String> {
        Ok(Head {
            tag,
            commit,
            layout: Layout::parse(json.as_bytes())?,
            data_start: LENGTH_BYTES + json.len() as u64,
        })
    }
}

/// Exactly `length` bytes.
fn read(body: impl Read, length: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    body.take(length)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::passing(format!("the connection broke: {e}")))?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(Failure::passing("the connection ended early"))
    }
}

fn keep(path: &Path, head: &Kept) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, serde_json::to_vec(head)?))
        .map_err(|e| unwritable(path, &e))
}
