//! Writing a safetensors file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use safetensors::Dtype;

use super::{Error, HostTensor};
use crate::fetch::Layout;

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
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = write(&temporary, tensors, metadata).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        Error::Io {
            path: path.to_path_buf(),
            source,
        }
    })
}

fn write(
    path: &Path,
    tensors: &BTreeMap<String, HostTensor>,
    metadata: &BTreeMap<String, String>,
) -> io::Result<()> {
    let entry = |(name, tensor): (&String, &HostTensor)| {
        let shape = tensor.shape.clone();
        (name.clone(), Dtype::F32, shape, 4 * tensor.data.len())
    };
    let layout = Layout::of(tensors.iter().map(entry), metadata.clone());
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&layout.encode())?;
    for tensor in tensors.values() {
        for value in &tensor.data {
            file.write_all(&value.to_le_bytes())?;
        }
    }
    file.into_inner()?.sync_all()
}
