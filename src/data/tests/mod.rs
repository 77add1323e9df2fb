//! Whole datasets through [`load`], from real files and from files that the tests make.

mod cifar_binary;
mod formats;
mod idx;
mod image_folder;
#[cfg(feature = "cuda")]
mod on_gpu;
mod parquet;
mod subsets;
mod webdataset;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::datasets;
use crate::progress::Progress;
use crate::shared::shared;
use crate::spec::{Dataset, DatasetName, OnBadImage, Validation};

/// No dataset can be downloaded.
struct Offline;

impl Source for Offline {
    fn files(&self, _: DatasetName) -> Result<PathBuf, Box<dyn StdError + Send + Sync>> {
        Err("the network is off".into())
    }
}

/// Every dataset is in this folder.
struct Downloaded(PathBuf);

impl Source for Downloaded {
    fn files(&self, _: DatasetName) -> Result<PathBuf, Box<dyn StdError + Send + Sync>> {
        Ok(self.0.clone())
    }
}

/// Counts what was decoded.
#[derive(Default)]
struct Count {
    promised: AtomicU64,
    done: AtomicU64,
    open: AtomicU64,
}

impl Progress for Count {
    fn start(&self, _what: &str, total: Option<u64>, _bytes: bool) {
        self.promised
            .fetch_add(total.unwrap_or(0), Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }
    fn advance(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
    }
    fn finish(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A dataset with parts that own their images, to look at.
#[derive(Debug, PartialEq)]
struct Read {
    classes: Vec<String>,
    train: Part,
    validation: Part,
    test: Part,
    skipped: usize,
}

/// [`super::load`], its views copied.
fn load(
    spec: &Dataset,
    input_size: usize,
    seed: u64,
    source: &dyn Source,
    progress: &dyn Progress,
) -> Result<Read, Error> {
    let data = super::load(spec, Resizing::squash(input_size), seed, source, progress)?;
    Ok(Read {
        classes: data.classes,
        train: copied(&data.train),
        validation: copied(&data.validation),
        test: copied(&data.test),
        skipped: data.skipped,
    })
}

fn copied(view: &View) -> Part {
    let images = &view.part().images;
    let mut part = Part::empty(images.height, images.width, images.channels);
    for i in 0..view.len() {
        part.images.push(&view.image(i).unwrap());
        part.labels.push(view.label(i).unwrap());
    }
    part.files = view.files();
    part
}

/// The whole dataset in `path`, without a validation part.
fn spec(name: DatasetName, path: Option<&Path>) -> Dataset {
    Dataset {
        path: path.map(Path::to_owned),
        validation_split: 0.0,
        ..Dataset::new(name)
    }
}

fn load_with(spec: &Dataset, input_size: usize) -> Result<Read, Error> {
    load(spec, input_size, 0, &Offline, &Count::default())
}

/// The message of the error that reading `path` gives.
fn error(name: DatasetName, path: &Path) -> String {
    match load_with(&spec(name, Some(path)), 32) {
        Ok(_) => panic!("{} was read without an error", path.display()),
        Err(error) => error.to_string(),
    }
}

/// Fails unless the message has all of `parts`.
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(
            message.contains(part),
            "\"{part}\" is missing in: {message}"
        );
    }
}

/// A value in 0..=255 that tells images, places and channels apart.
fn pixel(image: usize, place: usize, channel: usize) -> u8 {
    ((image * 31 + place * 7 + channel * 97) % 256) as u8
}

/// An RGB image `[size, size, 3]` of such values.
fn picture(image: usize, size: usize) -> Vec<u8> {
    let places = 0..size * size;
    places
        .flat_map(|place| [0, 1, 2].map(|c| pixel(image, place, c)))
        .collect()
}
