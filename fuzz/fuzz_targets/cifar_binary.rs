#![no_main]
//! CIFAR-100's binary training file.

use libfuzzer_sys::fuzz_target;
use runner::spec::{DatasetName, OnBadImage};
use runner_fuzz::{FOLDER, load, put};

fuzz_target!(|bytes: &[u8]| {
    put("train.bin", bytes);
    put("test.bin", &[0; 3074]);
    let _ = load(DatasetName::Cifar100, FOLDER.path(), OnBadImage::Error);
});
