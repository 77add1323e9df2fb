//! Kinds told by bytes.

use super::*;

fn name(file: &str, bytes: &[u8]) -> Option<&'static str> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, bytes).unwrap();
    let found = recognize(&path, &mut File::open(&path).unwrap()).unwrap();
    found.map(|kind| kind.name)
}

#[test]
fn other_formats_are_told_by_their_bytes() {
    let user_block = [&[0; 512][..], b"\x89HDF\r\n\x1a\n"].concat();
    let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
    let index = [&[1; 40][..], &0xdb47_7524_8b80_fb57u64.to_le_bytes()].concat();
    let zip = |name: &str| [b"PK\x03\x04\0\0", name.as_bytes()].concat();
    for (file, bytes, expected) in [
        (
            "w.pth",
            &zip("archive/data.pkl")[..],
            "a PyTorch file (a zip archive with a pickle)",
        ),
        (
            "w.bin",
            &zip("archive/constants.pkl archive/data.pkl"),
            "a TorchScript file",
        ),
        (
            "w.pth",
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02",
            "a Python pickle, as PyTorch wrote before 1.6",
        ),
        (
            "w.keras",
            &zip("metadata.json config.json model.weights.h5"),
            "a Keras file (.keras)",
        ),
        (
            "w.h5",
            b"\x89HDF\r\n\x1a\n\0",
            "an HDF5 file, as Keras writes",
        ),
        ("w", &user_block, "an HDF5 file, as Keras writes"),
        ("w.npz", &zip("arr_0.npy"), "a NumPy archive (.npz)"),
        (
            "w.npy",
            b"\x93NUMPY\x01\0v\0{'descr'",
            "a NumPy array (.npy)",
        ),
        ("w.zip", &zip("readme.md"), "a zip archive"),
        (
            "w.safetensors",
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer",
        ),
        ("w.index", &index, "the index of a TensorFlow checkpoint"),
        (
            "w.data-00000-of-00001",
            &[0, 0, 128, 63],
            "a part of a TensorFlow checkpoint",
        ),
        ("m", b"\x08\x07\x12\x07pytorch\x1a\x03", "an ONNX file"),
        ("m", b"GGUF\x03\0\0\0", "a GGUF file, as llama.cpp has"),
        ("m", b"\x1c\0\0\0TFL3", "a TensorFlow Lite file"),
        ("m", b"\x1f\x8b\x08\0", "a gzip file"),
        ("m", &tar, "a tar archive"),
        ("m", b"", "an empty file"),
        ("m", b"\n <!DOCTYPE html><html>", "a web page (HTML)"),
        (
            "m",
            b"<?xml version=\"1.0\"?><Error>",
            "an XML page, such as a server's error",
        ),
        (
            "m",
            b"{\"weight_map\": {}}",
            "the index of a model in several files",
        ),
        ("m", b"Not Found", "text"),
        ("m", b"PAR1\x15\x04", "a Parquet file"),
    ] {
        assert_eq!(name(file, bytes), Some(expected), "{file}");
    }
}

#[test]
fn a_cut_safetensors_file_is_not_taken_for_something_else() {
    // The length of the head has the first bytes of a gzip file.
    let cut = [&0x8b1fu64.to_le_bytes()[..], b"{\"a\":"].concat();
    assert_eq!(name("w", &cut), Some(SAFETENSORS.name));
    assert_eq!(name("w", &[0xff, 1, 2, 3]), None);
}
