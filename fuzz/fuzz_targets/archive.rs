#![no_main]
//! CIFAR-10's archive: the bytes are the tar archive inside the compression.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use runner::spec::{DatasetName, OnBadImage};
use runner_fuzz::{load, put};

fuzz_target!(|bytes: &[u8]| {
    let mut gz = GzEncoder::new(Vec::new(), Compression::none());
    let packed = gz.write_all(bytes).and_then(|()| gz.finish());
    let path = put("a.tar.gz", &packed.expect("memory can be written"));
    let _ = load(DatasetName::Cifar10, &path, OnBadImage::Error);
});
