#![no_main]
//! CIFAR-10's Parquet files, both the same.

use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use runner::spec::{DatasetName, OnBadImage};
use runner_fuzz::{FOLDER, load, put};

/// The reader catches the panics of polars; libfuzzer's hook would end the process before that.
static HOOK: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    HOOK.call_once(|| {
        let fuzzer = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_polars = |file: &str| file.contains("/polars-");
            if !panic.location().is_some_and(|at| is_polars(at.file())) {
                fuzzer(panic);
            }
        }));
    });
    put("train.parquet", bytes);
    put("test.parquet", bytes);
    let _ = load(DatasetName::Cifar10, FOLDER.path(), OnBadImage::Skip);
});
