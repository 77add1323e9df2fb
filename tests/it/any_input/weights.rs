//! Files of weights.

use std::collections::BTreeMap;
use std::fs;

use hdf5_pure::AttrValue;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use runner::model::weights::{self, HostTensor, Wanted};
use runner::spec::Arch;
use serde_json::{Value, json};

use super::mutation::{almost, seed};
use super::{cases, memory, without_panic_messages};
use crate::common::done_alone;
use crate::common::torch_file::torch_file;

const FIXED: usize = 4 << 20;

fn read_within(bytes: &[u8], path: &std::path::Path) {
    fs::write(path, bytes).unwrap();
    let wanted = Wanted {
        arch: Arch::named("vgg11").unwrap(),
        tensors: vec![("block1_conv1.weight".to_owned(), vec![2, 3])],
        positions: Vec::new(),
        classifier: None,
        extra: true,
    };
    let (result, peak) = memory::peak(|| {
        let all = weights::read(path).map(|file| file.tensors.len());
        (all, weights::load(path, &wanted).is_ok())
    });
    // Names and numbers of the head take more as values than as text, and halves become floats.
    let length = bytes.len();
    assert!(
        peak <= FIXED + 64 * length,
        "{peak} for {length}: {result:?}"
    );
}

#[test]
fn altered_files() {
    if done_alone(altered_files) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("w.safetensors");
    let tensor = |shape: &[usize]| HostTensor {
        shape: shape.to_vec(),
        data: vec![0.5; shape.iter().product()],
    };
    let tensors = BTreeMap::from([
        ("features.0.weight".to_owned(), tensor(&[2, 3])),
        ("features.3.weight".to_owned(), tensor(&[2, 2, 3, 3])),
    ]);
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    weights::save(&path, &tensors, &metadata).unwrap();
    let good = fs::read(&path).unwrap();
    seed("safetensors", &good);
    proptest!(cases(1500), |(bytes in almost(good))| read_within(&bytes, &path));
}

#[test]
fn altered_files_of_torch_and_keras() {
    if done_alone(altered_files_of_torch_and_keras) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("w");
    let tensors = [
        ("features.0.weight".to_owned(), vec![2, 3], vec![0.5; 6]),
        (
            "features.3.weight".to_owned(),
            vec![2, 2, 3, 3],
            vec![0.5; 36],
        ),
    ];
    torch_file(&path, Some("state_dict"), &tensors);
    let torch = fs::read(&path).unwrap();
    let names = |names: &[&str]| {
        AttrValue::AsciiStringArray(names.iter().map(|name| (*name).to_owned()).collect())
    };
    let mut file = hdf5_pure::FileBuilder::new();
    file.set_attr("layer_names", names(&["block1_conv1"]));
    let mut group = file.create_group("block1_conv1");
    group.set_attr("weight_names", names(&["kernel:0", "bias:0"]));
    let kernel = group.create_dataset("kernel:0");
    kernel.with_f32_data(&[0.5; 12]).with_shape(&[1, 1, 4, 3]);
    group.create_dataset("bias:0").with_f32_data(&[0.5; 3]);
    file.add_group(group.finish());
    file.write(&path).unwrap();
    let keras = fs::read(&path).unwrap();
    without_panic_messages(|| {
        for good in [torch, keras] {
            proptest!(cases(1000), |(bytes in almost(good))| read_within(&bytes, &path));
        }
    });
}

/// A number as lying heads have them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..20u64, 1 => any::<u64>(), 1 => select(vec![1 << 31, 1 << 32, 1 << 62, 1 << 63])]
}

#[test]
fn heads_that_lie() {
    if done_alone(heads_that_lie) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("w.safetensors");
    let dtype = select(vec![
        "F32", "F16", "BF16", "F64", "I64", "U8", "F4", "F8_E5M2", "C64", "?",
    ]);
    let tensor = (dtype, vec(number(), 0..5), vec(number(), 2)).prop_map(|(dtype, shape, offsets)| {
        json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets })
    });
    let other = select(vec![
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({ "dtype": "F32" }),
    ]);
    let entry = prop_oneof![8 => tensor, 1 => other];
    let names = select(vec![
        "a",
        "b",
        "features.0.weight",
        "__metadata__",
        "n.num_batches_tracked",
    ]);
    let head = btree_map(names, entry, 0..4).prop_map(|entries| {
        let entries = entries
            .into_iter()
            .map(|(name, entry)| (name.to_owned(), entry));
        Value::Object(entries.collect()).to_string()
    });
    let length = prop_oneof![6 => Just(None), 1 => number().prop_map(Some)];
    proptest!(cases(2000), |(head in head, length in length, data in 0..100usize)| {
        let length = length.unwrap_or(head.len() as u64);
        let bytes = [&length.to_le_bytes()[..], head.as_bytes(), &vec![0; data]].concat();
        read_within(&bytes, &path);
    });
}
