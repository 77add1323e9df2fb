//! Safetensors files on disk, tensor by tensor.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::tensor::TensorInfo;
use sha2::{Digest, Sha256};

use super::codec::{Codec, Shapes, Trouble};
use super::{Error, numbers};
use crate::fetch::{Layout, Unreadable};
use crate::files::open_regular;
use crate::text::hex;

/// Read and converted at once, in bytes; a multiple of every number's size.
const PIECE: usize = 1 << 20;

/// An open file whose head has been checked.
pub(super) struct Safetensors {
    file: File,
    /// Where the tensors' bytes begin.
    start: u64,
    tensors: BTreeMap<String, TensorInfo>,
    metadata: BTreeMap<String, String>,
}

impl Safetensors {
    /// Of a file whose head, through `start`, is `layout`.
    pub fn new(file: File, layout: Layout, start: u64) -> Self {
        Safetensors {
            file,
            start,
            tensors: layout.tensors.into_iter().collect(),
            metadata: layout.metadata,
        }
    }
}

impl Codec for Safetensors {
    fn shapes(&self) -> Shapes {
        let shape = |(name, info): (&String, &TensorInfo)| (name.clone(), info.shape.clone());
        self.tensors.iter().map(shape).collect()
    }

    fn values(&mut self, name: &str) -> Result<Option<Vec<f32>>, Trouble> {
        let Some(info) = self.tensors.get(name) else {
            return Ok(None);
        };
        if numbers::floats(info.dtype, &[]).is_none() {
            return Err(Trouble::Type(info.dtype.to_string()));
        }
        // Its length was checked against the file's.
        let mut values = Vec::with_capacity(info.shape.iter().product());
        pieces(&mut self.file, self.start, info, &mut |piece| {
            values.extend(numbers::floats(info.dtype, piece).unwrap_or_default());
        })?;
        Ok(Some(values))
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        self.metadata.clone()
    }
}

/// A SHA-256 over the names, types, shapes and values of the `wanted` tensors, wherever in the file they lie.
///
/// # Errors
/// A file that is not safetensors or cannot be read.
pub fn digest(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<String, Error> {
    let unreadable = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut file = open_regular(path).map_err(unreadable)?;
    let (layout, start) = Layout::read(&mut file).map_err(|error| match error {
        Unreadable::Io(source) => unreadable(source),
        Unreadable::Wrong(reason) => Error::Format {
            path: path.to_path_buf(),
            reason,
        },
    })?;
    let tensors: BTreeMap<String, TensorInfo> = layout.tensors.into_iter().collect();
    let mut hasher = Sha256::new();
    for (name, info) in tensors.iter().filter(|(name, _)| wanted(name)) {
        hasher.update(format!("{name}\n{}\n{:?}\n", info.dtype, info.shape));
        let mut add = |piece: &[u8]| hasher.update(piece);
        pieces(&mut file, start, info, &mut add).map_err(unreadable)?;
    }
    Ok(hex(hasher.finalize()))
}

/// Gives a tensor's bytes, a piece after the other.
fn pieces(
    file: &mut File,
    start: u64,
    info: &TensorInfo,
    take: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let (first, end) = info.data_offsets;
    file.seek(SeekFrom::Start(start + first as u64))?;
    let mut left = end - first;
    let mut piece = vec![0; PIECE.min(left)];
    while left > 0 {
        piece.truncate(left);
        file.read_exact(&mut piece)?;
        take(&piece);
        left -= piece.len();
    }
    Ok(())
}
