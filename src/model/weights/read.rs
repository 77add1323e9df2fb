//! A safetensors file on disk, tensor by tensor.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorInfo;

use super::{Error, HostTensor, WeightFile, numbers};
use crate::fetch::{Layout, Unreadable};

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

/// Whether this is one of PyTorch's counters of training batches, which nothing here uses.
pub(super) fn is_counter(name: &str) -> bool {
    name == "num_batches_tracked" || name.ends_with(".num_batches_tracked")
}

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
        let mut file = File::open(path).map_err(unreadable)?;
        let (layout, start) = Layout::read(&mut file).map_err(|e| match e {
            Unreadable::Io(source) => unreadable(source),
            Unreadable::Wrong(reason) => Error::Format {
                path: path.to_path_buf(),
                reason,
            },
        })?;
        Ok(Reader {
            path: path.to_path_buf(),
            file,
            start,
            tensors: layout.tensors.into_iter().collect(),
            metadata: layout.metadata,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tensors' names, counters left out, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.tensors.keys().map(String::as_str);
        names.filter(|name| !is_counter(name))
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|info| info.shape.as_slice())
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
    let (first, end) = info.data_offsets;
    file.seek(SeekFrom::Start(start + first as u64))?;
    let mut left = end - first;
    let mut values = Vec::with_capacity(info.shape.iter().product());
    let mut piece = vec![0; PIECE.min(left)];
    while left > 0 {
        piece.truncate(left);
        file.read_exact(&mut piece)?;
        match numbers::floats(info.dtype, &piece) {
            Some(mut some) => values.append(&mut some),
            None => return Ok(None),
        }
        left -= piece.len();
    }
    Ok(Some(values))
}
