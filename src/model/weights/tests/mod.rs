//! Weight files as they come: torchvision's, timm's, our own, and broken ones.

mod names;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ::safetensors::Dtype;

use super::*;
use crate::claim::{Attempt, Claims};
use crate::fetch::Layout;
use crate::shared::shared;
use crate::spec::Arch;

fn arch(name: &str) -> Arch {
    Arch::named(name).unwrap()
}

fn tensor(shape: &[usize]) -> HostTensor {
    let n: usize = shape.iter().product();
    HostTensor {
        shape: shape.to_vec(),
        data: (0..n).map(|i| i as f32 / 8.0 - 1.0).collect(),
    }
}

fn tensors(names: &[(&str, &[usize])]) -> BTreeMap<String, HostTensor> {
    let entry = |(name, shape): &(&str, &[usize])| (name.to_string(), tensor(shape));
    names.iter().map(entry).collect()
}

fn expected(names: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
    let entry = |(name, shape): &(&str, &[usize])| (name.to_string(), shape.to_vec());
    names.iter().map(entry).collect()
}

/// Saved in `folder` under a fixed name.
fn saved(folder: &Path, names: &[(&str, &[usize])]) -> PathBuf {
    let path = folder.join("w.safetensors");
    save(&path, &tensors(names), &BTreeMap::new()).unwrap();
    path
}

/// A file with one tensor of raw bytes.
fn raw(folder: &Path, dtype: Dtype, shape: &[usize], bytes: &[u8]) -> PathBuf {
    let entry = ("a".to_string(), dtype, shape.to_vec(), bytes.len());
    let mut file = Layout::of([entry], BTreeMap::new()).encode();
    file.extend_from_slice(bytes);
    let path = folder.join("raw.safetensors");
    fs::write(&path, file).unwrap();
    path
}

/// These tensors and the original classifier, nothing else.
fn only(arch: Arch, tensors: &[(String, Vec<usize>)]) -> Wanted {
    Wanted {
        arch,
        tensors: tensors.to_vec(),
        positions: Vec::new(),
        classifier: None,
        extra: false,
    }
}

/// The convolutions of a VGG-11 in torchvision's names, with small shapes.
const VGG11: [(&str, &[usize]); 8] = [
    ("features.0.weight", &[2, 3, 3, 3]),
    ("features.3.weight", &[2, 2, 3, 3]),
    ("features.6.weight", &[2, 2, 3, 3]),
    ("features.8.weight", &[2, 2, 3, 3]),
    ("features.11.weight", &[2, 2, 3, 3]),
    ("features.13.weight", &[2, 2, 3, 3]),
    ("features.16.weight", &[2, 2, 3, 3]),
    ("features.18.weight", &[2, 2, 3, 3]),
];

/// What a model of VGG-11 expects of [`VGG11`].
fn vgg11() -> Vec<(String, Vec<usize>)> {
    let ours = [
        "1_conv1", "2_conv1", "3_conv1", "3_conv2", "4_conv1", "4_conv2", "5_conv1", "5_conv2",
    ];
    let shapes = VGG11.iter().map(|(_, shape)| shape.to_vec());
    let names = ours.iter().map(|name| format!("block{name}.weight"));
    names.zip(shapes).collect()
}

#[test]
fn saved_weights_come_back_and_equal_ones_give_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let ours = tensors(&[
        ("dense.weight", &[3, 4]),
        ("dense.bias", &[3]),
        ("scalar", &[]),
    ]);
    let metadata: BTreeMap<_, _> = (0..20)
        .map(|i| (format!("key{i}"), format!("\"{i}\"")))
        .collect();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    save(&a, &ours, &metadata).unwrap();
    save(&b, &ours, &metadata).unwrap();
    assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
    let file = read(&a).unwrap();
    assert_eq!(file.tensors, ours);
    assert_eq!(file.metadata, metadata);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let Attempt::Held(claim) = Claims::new(1.0).attempt(folder.path()).unwrap() else {
        panic!("nobody else is there");
    };
    // As whoever takes the folder over does.
    for entry in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let path = saved(folder.path(), &[("a", &[2])]);
    let old = fs::read(&path).unwrap();
    let new = tensors(&[("a", &[3])]);
    let error = save_claimed(&path, &new, &BTreeMap::new(), claim.token()).unwrap_err();
    assert!(error.to_string().contains("w.safetensors"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), old);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_cannot_be_saved_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/w.safetensors");
    let error = save(&path, &BTreeMap::new(), &BTreeMap::new()).unwrap_err();
    assert!(
        error.to_string().contains("missing/w.safetensors"),
        "{error}"
    );
}

#[test]
fn halves_and_doubles_become_floats() {
    let folder = tempfile::tempdir().unwrap();
    // 1.5, -2, and the smallest positive half, 2^-24.
    let halves = [0x00, 0x3e, 0x00, 0xc0, 0x01, 0x00];
    let brains = [0xc0, 0x3f, 0x00, 0xc0];
    let doubles: Vec<u8> = [0.1f64, -3.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    for (dtype, bytes, values) in [
        (Dtype::F16, &halves[..], &[1.5, -2.0, 2f32.powi(-24)][..]),
        (Dtype::BF16, &brains, &[1.5, -2.0]),
        (Dtype::F64, &doubles, &[0.1, -3.0]),
    ] {
        let path = raw(folder.path(), dtype, &[values.len()], bytes);
        assert_eq!(read(&path).unwrap().tensors["a"].data, values);
    }
}

#[test]
fn a_tensor_longer_than_a_piece_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let names: [(&str, &[usize]); 1] = [("a", &[3, 100_001])];
    let path = saved(folder.path(), &names);
    assert_eq!(read(&path).unwrap().tensors, tensors(&names));
}

#[test]
fn nan_and_infinity_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |values: [f32; 4]| values.map(f32::to_le_bytes).concat();
    for (values, said) in [
        ([0.0, 0.0, f32::NAN, 0.0], "tensor a is NaN at index [1, 0]"),
        (
            [0.0, f32::NEG_INFINITY, 0.0, 0.0],
            "tensor a is -inf at index [0, 1]",
        ),
    ] {
        let path = raw(folder.path(), Dtype::F32, &[2, 2], &bytes(values));
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let path = raw(folder.path(), Dtype::F64, &[1], &1e300f64.to_le_bytes());
    assert!(matches!(read(&path), Err(Error::NotFinite { .. })));
}

#[test]
fn broken_files_are_errors_that_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(saved(folder.path(), &VGG11)).unwrap();
    let path = folder.path().join("broken.safetensors");
    let longer = [&whole[..], &[0]].concat();
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    let beyond = [&90_000_000u64.to_le_bytes()[..], b"{}"].concat();
    for (bytes, said) in [
        (&b""[..], "an empty file"),
        (b"PK\x03\x04 a zip file", "a file of weights is needed"),
        (&whole[..whole.len() - 1], "describes"),
        (&longer, "describes"),
        (&whole[..20], "cut"),
        (&huge, "not a safetensors file"),
        (&beyond, "its head would have 90000000 bytes"),
        (&whole[..5], "only 5 bytes"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("broken"), "{error}");
    }
}

#[test]
fn no_cut_or_changed_byte_of_the_head_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(saved(folder.path(), &VGG11[..2])).unwrap();
    let path = folder.path().join("broken.safetensors");
    let head = whole.len() - 4 * (54 + 36);
    for place in 0..head {
        for byte in [0, b'9', b'"', 0xff] {
            let mut broken = whole.clone();
            broken[place] = byte;
            fs::write(&path, &broken).unwrap();
            let _ = read(&path);
        }
        fs::write(&path, &whole[..place]).unwrap();
        assert!(read(&path).is_err(), "cut at {place}");
    }
}

#[test]
fn counters_are_passed_over_and_other_integers_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let counter = (
        "features.1.num_batches_tracked".to_string(),
        Dtype::I64,
        vec![],
        8,
    );
    let mut file = Layout::of([counter], BTreeMap::new()).encode();
    file.extend([0; 8]);
    fs::write(&path, file).unwrap();
    assert!(read(&path).unwrap().tensors.is_empty());
    let path = raw(folder.path(), Dtype::I64, &[1], &[0; 8]);
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("tensor a has type I64"), "{error}");
}
