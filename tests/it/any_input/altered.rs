//! Parquet files in which one byte is another: datasets, the runner's own tables, a file of another writer.

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use polars::prelude::*;
use runner::datasets;
use runner::parquet;
use runner::rng::{Purpose, Stream};
use runner::spec::DatasetName;
use runner::store::Tables;

use super::{load_within, without_panic_messages};
use crate::common::{SMALL, done_alone, runner, shared, write};

/// What takes memory whatever the file's length: the threads' buffers, polars, a page (see `runner::parquet`).
const FIXED: usize = 16 << 20;

/// Gives `read` the file with one byte changed, at every place, or at so many random ones.
fn each_change(good: &[u8], places: usize, mut read: impl FnMut(&[u8])) {
    let mut random = Stream::new(5, Purpose::Sweep, 0, 0);
    let mut below = |n: usize| ((random.uniform() * n as f32) as usize).min(n - 1);
    let all = good.len() <= places;
    without_panic_messages(|| {
        for i in 0..places.min(good.len()) {
            let at = if all { i } else { below(good.len()) };
            let mut bytes = good.to_vec();
            bytes[at] ^= 1 + below(255) as u8;
            read(&bytes);
        }
    });
}

/// Eight of CIFAR-10's images, as their file has them.
fn cifar() -> Option<Vec<u8>> {
    let path = shared().join("data/cifar10/test.parquet");
    let Ok(file) = File::open(&path) else {
        eprintln!("{} is not there", path.display());
        return None;
    };
    let mut frame = ParquetReader::new(file)
        .with_slice(Some((0, 8)))
        .finish()
        .unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    Some(bytes)
}

#[test]
fn a_dataset_file() {
    if done_alone(a_dataset_file) {
        return;
    }
    let Some(good) = cifar() else { return };
    let tmp = tempfile::tempdir().unwrap();
    fs::write(tmp.path().join("test.parquet"), &good).unwrap();
    each_change(&good, 2000, |bytes| {
        fs::write(tmp.path().join("train.parquet"), bytes).unwrap();
        load_within(
            DatasetName::of(&datasets::CIFAR10),
            tmp.path(),
            FIXED,
            400,
            bytes.len(),
        );
    });
}

/// Both tables as a run leaves them, in their folder.
fn tables(folder: &Path) -> std::path::PathBuf {
    write(folder, "small.toml", SMALL);
    runner(folder).arg("small.toml").assert().success();
    folder.join("results/small")
}

#[test]
fn the_tables_of_an_experiment_are_rebuilt_from_the_runs_folders() {
    if done_alone(the_tables_of_an_experiment_are_rebuilt_from_the_runs_folders) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let folder = tables(tmp.path());
    let whole = Tables::open(&folder, &[], &[]).unwrap();
    for file in ["runs.parquet", "metrics.parquet"] {
        let path = folder.join(file);
        let good = fs::read(&path).unwrap();
        let mut noticed = 0;
        each_change(&good, usize::MAX, |bytes| {
            fs::write(&path, bytes).unwrap();
            let mut found = Tables::open(&folder, &[], &[]).unwrap();
            assert_eq!(found.runs(), whole.runs());
            assert_eq!(found.epochs(), whole.epochs());
            noticed += usize::from(!found.take_trouble().is_empty());
        });
        // All but changes of the checksum's mark.
        assert!(noticed >= good.len() - 8, "{noticed} of {}", good.len());
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn a_file_of_another_writer() {
    if done_alone(a_file_of_another_writer) {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/digits/digits.parquet");
    let good = fs::read(path).unwrap();
    let read = |bytes: &[u8]| -> Result<DataFrame, String> {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let metadata = reader.get_metadata().map_err(|e| e.to_string())?;
        parquet::check_all(&mut Cursor::new(bytes), metadata)?;
        reader.finish().map_err(|e| e.to_string())
    };
    assert_eq!(read(&good).unwrap().height(), 1797);
    each_change(&good, 4000, |bytes| {
        let _ = std::panic::catch_unwind(|| read(bytes));
    });
}
