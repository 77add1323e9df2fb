//! A checkpoint's bytes, and the checksum in its name.

use std::collections::BTreeMap;
use std::io::{self, Write};

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use crate::model::weights::{self, HostTensor};
use crate::text::hex;

/// The metadata's only entry.
const STATE: &str = "runner_checkpoint";
/// Bytes of the SHA-256 that the name has.
const CHECKSUM: usize = 8;

/// Tensors by name, and text beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub tensors: BTreeMap<String, HostTensor>,
    pub state: String,
}

impl Checkpoint {
    /// What its tensors take in memory.
    pub fn bytes(&self) -> u64 {
        let values = self.tensors.values().map(|tensor| tensor.data.as_slice());
        values.map(|values| size_of_val(values) as u64).sum()
    }

    /// Reads a whole file; what its checksum does not show is shown by its own structure.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let wrong = |e: safetensors::SafeTensorError| e.to_string();
        let (_, head) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
        let state = head.metadata().as_ref().and_then(|m| m.get(STATE));
        let tensors = SafeTensors::deserialize(bytes).map_err(wrong)?;
        let tensor = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
            if view.dtype() != Dtype::F32 {
                return Err(format!("tensor {name} is not of type F32"));
            }
            let values = view.data().as_chunks::<4>().0.iter();
            let tensor = HostTensor {
                shape: view.shape().to_vec(),
                data: values.map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            };
            Ok((name, tensor))
        };
        Ok(Checkpoint {
            tensors: tensors
                .tensors()
                .into_iter()
                .map(tensor)
                .collect::<Result<_, _>>()?,
            state: state.ok_or("it is not a checkpoint")?.clone(),
        })
    }
}

/// Writes a checkpoint and gives its checksum.
pub(super) fn encode(out: impl Write, checkpoint: &Checkpoint) -> io::Result<String> {
    let mut out = Digesting {
        out,
        digest: Sha256::new(),
    };
    let metadata = BTreeMap::from([(STATE.to_owned(), checkpoint.state.clone())]);
    let tensors = checkpoint.tensors.iter();
    let tensors = tensors.map(|(name, t)| (name.clone(), t)).collect();
    weights::write(&mut out, &tensors, &metadata)?;
    Ok(hex(&out.digest.finalize()[..CHECKSUM]))
}

/// The checksum of a file's bytes.
pub(super) fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..CHECKSUM])
}

/// Takes the digest of what passes.
struct Digesting<W> {
    out: W,
    digest: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
