//! Bad files, servers and disks, each through the real binary: a clear message, and nothing lost.

mod disk;
mod files;
mod network;
mod secrets;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use polars::prelude::*;
use runner::model::weights::{self, HostTensor};

/// A file's tag as servers give it.
const TAG: &str = "\"v1\"";

/// Fails unless the text has all of `parts`, and nothing panicked.
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "\"{part}\" is not in:\n{text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

fn runs(folder: &Path) -> DataFrame {
    let file = File::open(folder.join("results/small/runs.parquet")).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

/// A column of text, empty where it is null.
fn texts(table: &DataFrame, column: &str) -> Vec<String> {
    let column = table.column(column).unwrap().str().unwrap();
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    column.iter().map(text).collect()
}

/// Waits for another process, at most a minute.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A safetensors file with the names of timm's VGGs, and in each tensor so many values; for no network.
fn weights_file(values: usize) -> Vec<u8> {
    let tensor = |n: usize| {
        let data = vec![n as f32; values];
        let shape = vec![values];
        (format!("features.{n}.weight"), HostTensor { shape, data })
    };
    let tensors: BTreeMap<_, _> = (0..29).map(tensor).collect();
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("file");
    weights::save(&path, &tensors, &BTreeMap::new()).unwrap();
    std::fs::read(path).unwrap()
}

/// All files below a folder.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            files.push(path);
        }
    }
    files
}
