#![no_main]
//! The first byte says which of MNIST's four files the others are; the rest of the dataset is in order.

use libfuzzer_sys::fuzz_target;
use runner::spec::{DatasetName, OnBadImage};
use runner_fuzz::{FOLDER, load, put};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn good(name: &str) -> Vec<u8> {
    let (mut header, values) = match name.contains("images") {
        true => (
            vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28],
            2 * 784,
        ),
        false => (vec![0, 0, 8, 1, 0, 0, 0, 2], 2),
    };
    header.resize(header.len() + values, 1);
    header
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else {
        return;
    };
    for (i, name) in NAMES.into_iter().enumerate() {
        if i == usize::from(which % 4) {
            put(name, bytes);
        } else {
            put(name, &good(name));
        }
    }
    let _ = load(DatasetName::Mnist, FOLDER.path(), OnBadImage::Error);
});
