//! Writing a safetensors file.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use safetensors::Dtype;

use super::{Error, HostTensor};
use crate::atomic::NewFile;
use crate::claim::Token;
use crate::fetch::Layout;

/// Values turned into bytes at once.
const PIECE: usize = 16 * 1024;

/// Writes tensors as f32 under their names. Equal tensors and metadata give equal bytes; `path` has the old file or
/// the whole new one, never a part.
///
/// # Errors
/// The disk's.
pub fn save(
    path: &Path,
    tensors: &BTreeMap<String, HostTensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), Error> {
    save_claimed(path, tensors, metadata, &Token::unclaimed())
}

/// As [`save`], as long as a claim is held.
///
/// # Errors
/// The same, and a claim that another process has taken over.
pub fn save_claimed(
    path: &Path,
    tensors: &BTreeMap<String, HostTensor>,
    metadata: &BTreeMap<String, String>,
    token: &Token,
) -> Result<(), Error> {
    let tensors = tensors.iter().map(|(name, t)| (name.clone(), t)).collect();
    let write = || {
        let mut file = NewFile::create(path, token)?;
        write(&mut file, &tensors, metadata)?;
        file.commit(path)
    };
    write().map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}

/// Writes what [`save`] puts into a file.
///
/// # Errors
/// Those of `out`.
pub fn write(
    out: &mut impl Write,
    tensors: &BTreeMap<String, &HostTensor>,
    metadata: &BTreeMap<String, String>,
) -> io::Result<()> {
    let entry = |(name, tensor): (&String, &&HostTensor)| {
        let shape = tensor.shape.clone();
        (name.clone(), Dtype::F32, shape, 4 * tensor.data.len())
    };
    let layout = Layout::of(tensors.iter().map(entry), metadata.clone());
    out.write_all(&layout.encode())?;
    let mut bytes = Vec::with_capacity(4 * PIECE);
    for piece in tensors.values().flat_map(|t| t.data.chunks(PIECE)) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|value| value.to_le_bytes()));
        out.write_all(&bytes)?;
    }
    Ok(())
}
