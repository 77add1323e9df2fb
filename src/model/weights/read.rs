//! A file of weights on disk, tensor by tensor, in whichever format its bytes say.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::codec::{Codec, Shapes, Trouble};
use super::keras::Keras;
use super::names::is_counter;
use super::pytorch::Pytorch;
use super::safetensors::Safetensors;
use super::shared::Joined;
use super::{Error, HostTensor, WeightFile, numbers};
use crate::fetch::{Layout, Unreadable};
use crate::file_kind::{self, Weights};
use crate::files::open_regular;

/// Everything in a file of weights, as f32; PyTorch's `num_batches_tracked` counters are passed over.
///
/// # Errors
/// A file of another format or that contradicts itself, a tensor that is not of floating point, NaN or infinity.
pub fn read(path: &Path) -> Result<WeightFile, Error> {
    let mut reader = Reader::open(path)?;
    let mut tensors = BTreeMap::new();
    for name in reader.shapes.clone().into_keys() {
        if let Some(tensor) = reader.tensor(&name)? {
            tensors.insert(name, tensor);
        }
    }
    Ok(WeightFile {
        tensors,
        metadata: reader.codec.metadata(),
    })
}

/// The free text beside the tensors of a file, which formats other than safetensors do not have.
///
/// # Errors
/// A file of another format or that contradicts itself.
pub fn metadata(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    Ok(Reader::open(path)?.codec.metadata())
}

/// An open file whose head has been checked.
pub(super) struct Reader {
    path: PathBuf,
    codec: Box<dyn Codec>,
    /// Counters left out.
    shapes: Shapes,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Io {
            path: path.to_path_buf(),
            source,
        };
        let mut file = open_regular(path).map_err(unreadable)?;
        let codec = match Layout::read(&mut file) {
            Ok((layout, start)) => Joined::of(path, Safetensors::new(file, layout, start)),
            Err(Unreadable::Io(source)) => return Err(unreadable(source)),
            Err(Unreadable::Wrong(reason)) => {
                let found = file_kind::recognize(path, &mut file).map_err(unreadable)?;
                let format = found.and_then(|kind| kind.weights);
                match (format, found) {
                    (Some(Weights::Pytorch), _) => boxed(Pytorch::open(file)),
                    (Some(Weights::Hdf5), _) => boxed(Keras::open(path)),
                    (Some(Weights::KerasArchive), _) => boxed(Keras::open_archive(file)),
                    (None, Some(found)) => {
                        let path = path.to_path_buf();
                        return Err(Error::Foreign { path, found });
                    }
                    (Some(Weights::Safetensors), _) | (None, None) => Err(Trouble::Wrong(reason)),
                }
            }
        };
        let codec = codec.map_err(|trouble| error(path, "", trouble))?;
        let mut shapes = codec.shapes();
        shapes.retain(|name, _| !is_counter(name));
        Ok(Reader {
            path: path.to_path_buf(),
            codec,
            shapes,
        })
    }

    /// The tensors' shapes, counters left out.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// Reads one tensor; none where the file has none of this name.
    pub fn tensor(&mut self, name: &str) -> Result<Option<HostTensor>, Error> {
        let Some(shape) = self.shapes.get(name) else {
            return Ok(None);
        };
        let values = self.codec.values(name);
        let values = values.map_err(|trouble| error(&self.path, name, trouble))?;
        let Some(data) = values else {
            return Ok(None);
        };
        if let Some((place, value)) = data.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NotFinite {
                path: self.path.clone(),
                tensor: name.to_string(),
                index: numbers::index(shape, place),
                value: *value,
            });
        }
        let shape = shape.clone();
        Ok(Some(HostTensor { shape, data }))
    }
}

fn boxed(codec: Result<impl Codec + 'static, Trouble>) -> Result<Box<dyn Codec>, Trouble> {
    Ok(Box::new(codec?))
}

fn error(path: &Path, tensor: &str, trouble: Trouble) -> Error {
    let path = path.to_path_buf();
    match trouble {
        // The end of a file within what it promised.
        Trouble::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => Error::Format {
            path,
            reason: "it is cut off".into(),
        },
        Trouble::Io(source) => Error::Io { path, source },
        Trouble::Wrong(reason) => Error::Format { path, reason },
        Trouble::Type(dtype) => Error::Type {
            path,
            tensor: tensor.to_owned(),
            dtype,
        },
    }
}
