//! A safetensors file on disk, tensor by tensor.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorInfo;
use sha2::{Digest, Sha256};

use super::names::is_counter;
use super::{Error, HostTensor, WeightFile, numbers};
use crate::fetch::{Layout, Unreadable};
use crate::file_kind::{self, SAFETENSORS};
use crate::files::open_regular;
use crate::text::hex;

/// Read and converted at once, in bytes; a multiple of every number's size.
const PIECE: usize = 1 << 20;

/// Everything in a safetensors file, as f32; PyTorch's `num_batches_tracked` counters are passed over.
///
/// # Errors
/// A file that is not safetensors or contradicts itself, a tensor that is not of floating point, NaN or infinity.
pub fn read(path: &Path) -> Result<WeightFile, Error> {
    let mut reader = Reader::open(path)?;
    let names: Vec<String> = reader.names().map(str::to_string).collect();
    let mut tensors = BTreeMap::new();
    for name in names {
        if let Some(tensor) = reader.tensor(&name)? {
            tensors.insert(name, tensor);
        }
    }
    Ok(WeightFile {
        tensors,
        metadata: reader.metadata,
    })
}

/// The free text beside the tensors of a safetensors file.
///
/// # Errors
/// A file that is not safetensors or contradicts itself.
pub fn metadata(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    Ok(Reader::open(path)?.metadata)
}

/// A SHA-256 over the names, types, shapes and values of the `wanted` tensors, wherever in the file they lie.
///
/// # Errors
/// A file that is not safetensors or cannot be read.
pub fn digest(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<String, Error> {
    let mut reader = Reader::open(path)?;
    let mut hasher = Sha256::new();
    for (name, info) in reader.tensors.iter().filter(|(name, _)| wanted(name)) {
        hasher.update(format!("{name}\n{}\n{:?}\n", info.dtype, info.shape));
        let mut add = |piece: &[u8]| hasher.update(piece);
        pieces(&mut reader.file, reader.start, info, &mut add).map_err(|source| Error::Io {
            path: path.to_path_buf(),
            source,
        })?;
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

/// Tensors by name with their shapes in PyTorch's layouts.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// An open file whose head has been checked.
pub(super) struct Reader {
    path: PathBuf,
    file: File,
    /// Where the tensors' bytes begin.
    start: u64,
    tensors: BTreeMap<String, TensorInfo>,
    pub metadata: BTreeMap<String, String>,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Io {
            path: path.to_path_buf(),
            source,
        };
        let mut file = open_regular(path).map_err(unreadable)?;
        let (layout, start) = match Layout::read(&mut file) {
            Ok(read) => read,
            Err(Unreadable::Io(source)) => return Err(unreadable(source)),
            Err(Unreadable::Wrong(reason)) => {
                let path = path.to_path_buf();
                let found = file_kind::recognize(&path, &mut file).map_err(unreadable)?;
                return Err(match found.filter(|kind| *kind != SAFETENSORS) {
                    Some(found) => Error::Foreign { path, found },
                    None => Error::Format { path, reason },
                });
            }
        };
        Ok(Reader {
            path: path.to_path_buf(),
            file,
            start,
            tensors: layout.tensors.into_iter().collect(),
            metadata: layout.metadata,
        })
    }

    /// The tensors' names, counters left out, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.tensors.keys().map(String::as_str);
        names.filter(|name| !is_counter(name))
    }

    /// The tensors' shapes, counters left out.
    pub fn shapes(&self) -> Shapes {
        let shape = |name: &str| Some((name.to_owned(), self.tensors.get(name)?.shape.clone()));
        self.names().filter_map(shape).collect()
    }

    /// Reads one tensor; none where the file has none of this name.
    pub fn tensor(&mut self, name: &str) -> Result<Option<HostTensor>, Error> {
        let Some(info) = self.tensors.get(name) else {
            return Ok(None);
        };
        let data = values(&mut self.file, self.start, info).map_err(|source| Error::Io {
            path: self.path.clone(),
            source,
        })?;
        let data = data.ok_or_else(|| Error::Type {
            path: self.path.clone(),
            tensor: name.to_string(),
            dtype: info.dtype.to_string(),
        })?;
        if let Some((place, value)) = data.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NotFinite {
                path: self.path.clone(),
                tensor: name.to_string(),
                index: numbers::index(&info.shape, place),
                value: *value,
            });
        }
        let shape = info.shape.clone();
        Ok(Some(HostTensor { shape, data }))
    }
}

/// The values of a tensor, none where it is not of floating point; its length was checked against the file's.
fn values(file: &mut File, start: u64, info: &TensorInfo) -> io::Result<Option<Vec<f32>>> {
    if numbers::floats(info.dtype, &[]).is_none() {
        return Ok(None);
    }
    let mut values = Vec::with_capacity(info.shape.iter().product());
    pieces(file, start, info, &mut |piece| {
        values.extend(numbers::floats(info.dtype, piece).unwrap_or_default());
    })?;
    Ok(Some(values))
}
