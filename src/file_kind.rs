//! What a file is, told by its first and last bytes, where it is not what it was taken for; each kind with what to do.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes that are looked at, at a file's beginning and at its end, where archives list what is in them.
const SEEN: u64 = 1 << 16;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// With its article, e.g. "an HDF5 file".
    pub name: &'static str,
    /// What to do where weights were expected.
    pub for_weights: &'static str,
    /// What to do whatever was expected, where something can be said.
    pub for_anything: Option<&'static str>,
    /// How weights are read from it, where they are.
    pub weights: Option<Weights>,
}

/// A format that weights are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    Safetensors,
    /// What `torch.save` writes.
    Pytorch,
    /// As Keras writes `.h5`.
    Hdf5,
    /// Keras's `.keras`.
    KerasArchive,
}

/// What is looked at of a file.
struct Sample {
    /// The file's name in lowercase.
    name: String,
    head: Vec<u8>,
    tail: Vec<u8>,
}

const FROM_TORCH: &str = "save it as safetensors, in Python: import torch; from safetensors.torch import save_file; \
    d = torch.load(\"FILE\", map_location=\"cpu\", weights_only=True); d = d.get(\"state_dict\", d); \
    save_file({k: v.contiguous() for k, v in d.items()}, \"FILE.safetensors\")";
const FROM_KERAS: &str = "save its weights as safetensors, in Python: load the model with Keras, transpose convolution \
    kernels to [out, in, height, width] and dense ones to [out, in], and write them with \
    safetensors.numpy.save_file under the runner's names, e.g. block1_conv1.weight";
const FROM_ARRAYS: &str = "save its arrays as safetensors, in Python: import numpy; from safetensors.numpy import \
    save_file; save_file(dict(numpy.load(\"FILE\")), \"FILE.safetensors\"), with kernels as PyTorch has them, \
    [out, in, height, width]";
const FROM_OTHERS: &str = "export the model's weights as safetensors, with the names that torchvision, timm or the \
    runner give them";
const UNPACK: &str = "unpack it, and name the safetensors file that is in it";
const COPY: &str = "copy or download it again";
const AGAIN: &str =
    "the download went wrong: get the file again, and look at what the address gives in a browser";

/// What begins as a safetensors file does.
pub const SAFETENSORS: FileKind = weights("a safetensors file", Weights::Safetensors);
/// What begins as a Parquet file does.
pub const PARQUET: FileKind = kind("a Parquet file", FROM_OTHERS);
pub const GZIP: FileKind = kind("a gzip file", UNPACK);
pub const TAR: FileKind = kind("a tar archive", UNPACK);

/// How a kind of file is told, and what it is.
type Row = (fn(&Sample) -> bool, FileKind);

/// One row per kind; the first that fits is it.
const KINDS: &[Row] = &[
    // The head's length, then the head, in JSON.
    (|s| s.head.get(8) == Some(&b'{'), SAFETENSORS),
    (|s| s.begins(b"PAR1"), PARQUET),
    (
        |s| s.begins(b"PARE"),
        kind("an encrypted Parquet file", FROM_OTHERS),
    ),
    (|s| s.head.is_empty(), broken("an empty file", COPY)),
    (
        |s| s.begins(b"version https://git-lfs"),
        broken("a Git LFS pointer", "fetch the file itself: `git lfs pull`"),
    ),
    (
        |s| s.begins(b"/annex/objects/") || s.begins(b"../.git/annex/"),
        broken(
            "a git-annex pointer",
            "fetch the file itself: `git annex get`",
        ),
    ),
    (
        |s| s.is_hdf5(),
        weights("an HDF5 file, as Keras writes", Weights::Hdf5),
    ),
    (
        |s| s.is_zip() && s.lists(b"model.weights.h5"),
        weights("a Keras file (.keras)", Weights::KerasArchive),
    ),
    (
        |s| s.is_zip() && s.lists(b"constants.pkl"),
        kind(
            "a TorchScript file",
            "load it with torch.jit.load, and save its state_dict() with safetensors.torch.save_file",
        ),
    ),
    (
        |s| s.is_zip() && (s.lists(b"data.pkl") || s.lists(b"/version")),
        weights(
            "a PyTorch file (a zip archive with a pickle)",
            Weights::Pytorch,
        ),
    ),
    (
        |s| s.is_zip() && s.lists(b".npy"),
        kind("a NumPy archive (.npz)", FROM_ARRAYS),
    ),
    (|s| s.is_zip(), kind("a zip archive", UNPACK)),
    (
        |s| matches!(s.head.as_slice(), [0x80, 1..=5, opcode, ..] if *opcode != 0),
        kind("a Python pickle, as PyTorch wrote before 1.6", FROM_TORCH),
    ),
    (
        |s| s.begins(b"\x93NUMPY"),
        kind("a NumPy array (.npy)", FROM_ARRAYS),
    ),
    (
        |s| s.begins(b"GGUF"),
        kind("a GGUF file, as llama.cpp has", FROM_OTHERS),
    ),
    (
        |s| {
            [b"lmgg", b"ggml", b"tjgg", b"fmgg"]
                .iter()
                .any(|magic| s.begins(*magic))
        },
        kind("a GGML file", FROM_OTHERS),
    ),
    (
        |s| s.head.get(4..8) == Some(b"TFL3"),
        kind("a TensorFlow Lite file", FROM_OTHERS),
    ),
    (
        |s| s.tail.ends_with(&0xdb47_7524_8b80_fb57u64.to_le_bytes()),
        kind("the index of a TensorFlow checkpoint", FROM_KERAS),
    ),
    (
        |s| s.name.contains(".data-00000-of-"),
        kind("a part of a TensorFlow checkpoint", FROM_KERAS),
    ),
    (
        |s| s.begins(b"model_checkpoint_path:"),
        kind("the list of TensorFlow's checkpoints", FROM_KERAS),
    ),
    (
        |s| s.ends("saved_model.pb") || s.begins(&[8, 1, 0x12]),
        kind("a TensorFlow SavedModel", FROM_KERAS),
    ),
    (
        |s| s.ends(".onnx") || s.is_onnx(),
        kind("an ONNX file", FROM_OTHERS),
    ),
    (
        |s| s.ends(".msgpack"),
        kind("a Flax file (MessagePack)", FROM_OTHERS),
    ),
    (
        |s| s.ends(".caffemodel"),
        kind("a Caffe model", FROM_OTHERS),
    ),
    (|s| s.begins(b"MATLAB"), kind("a MATLAB file", FROM_OTHERS)),
    (|s| s.begins(&[0x1f, 0x8b]), GZIP),
    (|s| s.begins(b"BZh"), kind("a bzip2 file", UNPACK)),
    (|s| s.begins(b"\xfd7zXZ\0"), kind("an xz file", UNPACK)),
    (
        |s| s.begins(&[0x28, 0xb5, 0x2f, 0xfd]),
        kind("a zstd file", UNPACK),
    ),
    (
        |s| s.begins(b"7z\xbc\xaf\x27\x1c"),
        kind("a 7z archive", UNPACK),
    ),
    (|s| s.begins(b"Rar!"), kind("a RAR archive", UNPACK)),
    (|s| s.head.get(257..262) == Some(b"ustar"), TAR),
    (
        |s| s.begins(b"\x89PNG") || s.begins(&[0xff, 0xd8, 0xff]),
        kind("an image", "name a file of weights"),
    ),
    (
        |s| s.text().starts_with("<!doctype") || s.text().starts_with("<html"),
        broken("a web page (HTML)", AGAIN),
    ),
    (
        |s| s.text().starts_with('<'),
        broken("an XML page, such as a server's error", AGAIN),
    ),
    (
        |s| s.text().starts_with('{') && s.contains(b"weight_map"),
        kind(
            "the index of a model in several files",
            "name the one file that has the weights, or join the parts with safetensors in Python",
        ),
    ),
    (
        |s| s.text().starts_with('{'),
        kind("JSON text", "name the file of weights beside it"),
    ),
    (|s| s.is_text(), kind("text", "name a file of weights")),
];

const fn kind(name: &'static str, for_weights: &'static str) -> FileKind {
    FileKind {
        name,
        for_weights,
        for_anything: None,
        weights: None,
    }
}

const fn weights(name: &'static str, format: Weights) -> FileKind {
    FileKind {
        weights: Some(format),
        ..kind(name, COPY)
    }
}

/// What lies there instead of the file that was meant.
const fn broken(name: &'static str, help: &'static str) -> FileKind {
    FileKind {
        name,
        for_weights: help,
        for_anything: Some(help),
        weights: None,
    }
}

/// What a file is; none where that cannot be told.
///
/// # Errors
/// A file that cannot be read.
pub fn recognize(path: &Path, file: &mut File) -> io::Result<Option<FileKind>> {
    let sample = Sample::of(path, file)?;
    let fits = KINDS.iter().find(|(is, _)| is(&sample));
    Ok(fits.map(|(_, kind)| *kind))
}

impl Sample {
    fn of(path: &Path, file: &mut File) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        file.take(SEEN).read_to_end(&mut head)?;
        file.seek(SeekFrom::Start(length.saturating_sub(SEEN)))?;
        file.take(SEEN).read_to_end(&mut tail)?;
        Ok(Sample {
            name: name.to_lowercase(),
            head,
            tail,
        })
    }

    fn begins(&self, with: &[u8]) -> bool {
        self.head.starts_with(with)
    }

    /// Whether the file's name ends so.
    fn ends(&self, with: &str) -> bool {
        self.name.ends_with(with)
    }

    fn contains(&self, part: &[u8]) -> bool {
        self.head.windows(part.len()).any(|place| place == part)
    }

    /// Whether an archive's list of its files has this in it.
    fn lists(&self, part: &[u8]) -> bool {
        self.contains(part) || self.tail.windows(part.len()).any(|place| place == part)
    }

    fn is_zip(&self) -> bool {
        [&b"PK\x03\x04"[..], b"PK\x05\x06", b"PK\x07\x08"]
            .iter()
            .any(|magic| self.begins(magic))
    }

    /// The signature stands at the beginning, or after a block of the user's own of 512, 1024, 2048 … bytes.
    fn is_hdf5(&self) -> bool {
        let places = std::iter::once(0).chain((9..16).map(|n| 1 << n));
        places.into_iter().any(|at: usize| {
            let here = self.head.get(at..at + 8);
            here == Some(b"\x89HDF\r\n\x1a\n")
        })
    }

    /// Protocol Buffers with the version of ONNX, then the name of who made it, in letters.
    fn is_onnx(&self) -> bool {
        match self.head.as_slice() {
            [8, 2..=30, 0x12, length, rest @ ..] => rest
                .get(..usize::from(*length))
                .is_some_and(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic)),
            _ => false,
        }
    }

    /// The beginning in lowercase, without what may stand before a page's first letter.
    fn text(&self) -> String {
        let start = &self.head[..self.head.len().min(64)];
        let text = String::from_utf8_lossy(start).to_lowercase();
        text.trim_start_matches('\u{feff}').trim_start().to_owned()
    }

    fn is_text(&self) -> bool {
        let is_plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
        self.head.iter().take(512).all(is_plain)
    }
}

#[cfg(test)]
mod tests;
