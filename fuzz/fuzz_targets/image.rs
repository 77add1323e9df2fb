#![no_main]
//! A JPEG or PNG in an image folder.

use libfuzzer_sys::fuzz_target;
use runner::spec::{DatasetName, OnBadImage};
use runner_fuzz::{FOLDER, load, put};

fuzz_target!(|bytes: &[u8]| {
    put("class/image.jpg", bytes);
    let _ = load(DatasetName::ImageFolder, FOLDER.path(), OnBadImage::Error);
});
