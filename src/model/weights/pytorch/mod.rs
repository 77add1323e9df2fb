//! Files of `torch.save` since PyTorch 1.6: a zip archive with a pickle, and a file of values a storage.
//!
//! The pickle is read, not executed: what is no tensor in a dictionary is passed over.

mod objects;
mod pickle;
mod tensors;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::ZipArchive;

use super::codec::{Codec, Shapes, Trouble};
use super::numbers;
use tensors::Tensor;

/// A pickle of weights is much shorter; it has the names alone.
const PICKLE: u64 = 16 << 20;
/// The pickle's place in the archive's only folder.
const PICKLE_NAME: &str = "data.pkl";

/// An open archive.
pub(super) struct Pytorch {
    archive: ZipArchive<BufReader<File>>,
    /// The archive's folder with its slash.
    folder: String,
    tensors: BTreeMap<String, Tensor>,
}

impl Pytorch {
    /// Reads the pickle of an archive.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(mut file: File) -> Result<Self, Trouble> {
        file.seek(SeekFrom::Start(0))?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(wrong)?;
        let names = archive.file_names();
        let names: Vec<String> = names
            .filter_map(|name| Some(name.ok()?.into_owned()))
            .collect();
        let folder = |name: &String| {
            let folder = name.strip_suffix(PICKLE_NAME)?;
            (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_owned())
        };
        let folders: Vec<String> = names.iter().filter_map(folder).collect();
        let [folder] = &folders[..] else {
            let count = folders.len();
            return Err(Trouble::Wrong(format!(
                "the archive has {count} files {PICKLE_NAME}"
            )));
        };
        if let Some(order) = entry(&mut archive, &format!("{folder}byteorder"), 0, 16)?
            && order.trim_ascii() != b"little"
        {
            return Err(Trouble::Wrong(
                "its values were written by a big-endian machine".into(),
            ));
        }
        let bytes = entry(
            &mut archive,
            &format!("{folder}{PICKLE_NAME}"),
            0,
            PICKLE + 1,
        )?;
        let bytes = bytes.unwrap_or_default();
        if bytes.len() as u64 > PICKLE {
            return Err(Trouble::Wrong(format!(
                "{PICKLE_NAME} is too long for one of weights"
            )));
        }
        let objects = pickle::read(&bytes);
        let objects = objects.map_err(|why| Trouble::Wrong(format!("{PICKLE_NAME}: {why}")))?;
        Ok(Pytorch {
            archive,
            folder: folder.clone(),
            tensors: tensors::tensors(&objects).map_err(Trouble::Wrong)?,
        })
    }
}

/// At most `most` bytes of a file of the archive after the first `skipped`; none where there is no such file.
fn entry(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    skipped: u64,
    most: u64,
) -> Result<Option<Vec<u8>>, Trouble> {
    if archive.index_for_name(name).is_none() {
        return Ok(None);
    }
    let mut entry = archive.by_name(name).map_err(wrong)?;
    io::copy(&mut entry.by_ref().take(skipped), &mut io::sink())?;
    let mut bytes = Vec::new();
    entry.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn wrong(error: zip::result::ZipError) -> Trouble {
    match error {
        zip::result::ZipError::Io(error) => Trouble::Io(error),
        other => Trouble::Wrong(other.to_string()),
    }
}

impl Codec for Pytorch {
    fn shapes(&self) -> Shapes {
        let shape = |(name, tensor): (&String, &Tensor)| (name.clone(), tensor.shape.clone());
        self.tensors.iter().map(shape).collect()
    }

    fn values(&mut self, name: &str) -> Result<Option<Vec<f32>>, Trouble> {
        let Some(tensor) = self.tensors.get(name) else {
            return Ok(None);
        };
        let contradicts =
            || Trouble::Wrong(format!("tensor {name} does not lie within its values"));
        let dtype = tensor.dtype.clone().map_err(Trouble::Type)?;
        let span = tensor.span().ok_or_else(contradicts)?;
        let size = numbers::size(dtype).ok_or_else(contradicts)?;
        let [skipped, most] = [tensor.offset, span].map(|values| (values as u64).checked_mul(size));
        let (skipped, most) = skipped.zip(most).ok_or_else(contradicts)?;
        let storage = format!("{}data/{}", self.folder, tensor.storage);
        let bytes = entry(&mut self.archive, &storage, skipped, most)?;
        let bytes = bytes.filter(|bytes| bytes.len() as u64 == most);
        let values = numbers::floats(dtype, &bytes.ok_or_else(contradicts)?);
        Ok(values.map(|values| tensor.in_rows(values)))
    }
}
