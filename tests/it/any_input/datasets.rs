//! IDX files, CIFAR batches, rows of Parquet, images.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, RgbImage};
use polars::prelude::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use runner::datasets;
use runner::spec::DatasetName;

use super::mutation::{almost, seed};
use super::{cases, load_within, without_panic_messages};
use crate::common::done_alone;

/// What takes memory whatever the file's length: the threads' buffers, polars.
const FIXED: usize = 8 << 20;

fn idx(dimensions: &[u32], values: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend((0..values).map(|i| (i % 10) as u8));
    bytes
}

/// Two images of MNIST's size in each part.
fn mnist(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = ["train", "t10k"].iter().flat_map(|part| {
        [
            (
                format!("{part}-images-idx3-ubyte"),
                idx(&[2, 28, 28], 2 * 784),
            ),
            (format!("{part}-labels-idx1-ubyte"), idx(&[2], 2)),
        ]
    });
    let files: Vec<_> = files.collect();
    for (name, bytes) in &files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    files
}

#[test]
fn idx_files() {
    if done_alone(idx_files) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let files = mnist(tmp.path());
    for (i, (_, good)) in files.iter().enumerate() {
        seed("idx", &[&[i as u8], &good[..]].concat());
    }
    let file =
        select(files).prop_flat_map(|(name, good)| (Just(name), Just(good.clone()), almost(good)));
    proptest!(cases(600), |((name, good, bytes) in file)| {
        fs::write(tmp.path().join(&name), &bytes).unwrap();
        load_within(DatasetName::of(&datasets::MNIST), tmp.path(), FIXED, 16, bytes.len());
        fs::write(tmp.path().join(&name), &good).unwrap();
    });
}

#[test]
fn cifar_batches() {
    if done_alone(cifar_batches) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let record = vec![3; 3073];
    for i in 1..=5 {
        fs::write(tmp.path().join(format!("data_batch_{i}.bin")), &record).unwrap();
    }
    fs::write(tmp.path().join("test_batch.bin"), &record).unwrap();
    let two = [&record[..], &record].concat();
    seed("cifar_binary", &[3; 2 * 3074]);
    proptest!(cases(400), |(bytes in almost(two))| {
        fs::write(tmp.path().join("data_batch_1.bin"), &bytes).unwrap();
        load_within(DatasetName::of(&datasets::CIFAR10), tmp.path(), FIXED, 16, bytes.len());
    });
}

fn encoded(size: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(size, size, |x, y| {
        image::Rgb([x as u8 * 9, y as u8 * 5, 77])
    });
    let mut bytes = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

/// A table as on the hub.
fn parquet(images: Vec<Option<Vec<u8>>>, labels: &[Option<i64>]) -> Vec<u8> {
    let rows = images.len();
    let image = Series::new("bytes".into(), images);
    let path = Series::new("path".into(), vec![None::<String>; rows]);
    let image = StructChunked::from_series("img".into(), rows, [&image, &path].into_iter());
    let columns = vec![
        image.unwrap().into_series().into_column(),
        Series::new("label".into(), labels).into_column(),
    ];
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

#[test]
fn parquet_rows() {
    if done_alone(parquet_rows) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let png = encoded(32, ImageFormat::Png);
    let good = parquet(vec![Some(png.clone())], &[Some(1)]);
    fs::write(tmp.path().join("test.parquet"), good).unwrap();
    let image =
        prop_oneof![4 => almost(png.clone()).prop_map(Some), 4 => Just(Some(png)), 1 => Just(None)];
    let label = prop_oneof![8 => (0..10i64).prop_map(Some), 1 => any::<Option<i64>>()];
    proptest!(cases(300), |(rows in vec((image, label), 0..6))| {
        let (images, labels): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let bytes = parquet(images, &labels);
        fs::write(tmp.path().join("train.parquet"), &bytes).unwrap();
        load_within(DatasetName::of(&datasets::CIFAR10), tmp.path(), FIXED, 400, bytes.len());
    });
}

#[test]
fn parquet_files() {
    if done_alone(parquet_files) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let png = encoded(32, ImageFormat::Png);
    let good = parquet(vec![Some(png.clone()), Some(png)], &[Some(1), Some(2)]);
    seed("parquet", &good);
    fs::write(tmp.path().join("test.parquet"), &good).unwrap();
    without_panic_messages(|| {
        proptest!(cases(1500), |(bytes in almost(good.clone()))| {
            fs::write(tmp.path().join("train.parquet"), &bytes).unwrap();
            load_within(DatasetName::of(&datasets::CIFAR10), tmp.path(), FIXED, 400, bytes.len());
        });
    });
}

#[test]
fn images_of_every_format() {
    if done_alone(images_of_every_format) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    fs::create_dir(tmp.path().join("a")).unwrap();
    for (name, format) in [
        ("i.png", ImageFormat::Png),
        ("i.jpg", ImageFormat::Jpeg),
        ("i.webp", ImageFormat::WebP),
        ("i.gif", ImageFormat::Gif),
        ("i.bmp", ImageFormat::Bmp),
        ("i.tif", ImageFormat::Tiff),
    ] {
        seed("image", &encoded(40, format));
        let path = tmp.path().join("a").join(name);
        proptest!(cases(600), |(bytes in almost(encoded(40, format)))| {
            fs::write(&path, &bytes).unwrap();
            // 8 pixels in each of the 1032 bytes that deflate makes of one, three values a pixel, twice.
            load_within(DatasetName::of(&datasets::IMAGE_FOLDER), tmp.path(), FIXED, 8 * 1032 * 3 * 2, bytes.len());
        });
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn pictures_that_promise_many_pixels_reserve_little() {
    if done_alone(pictures_that_promise_many_pixels_reserve_little) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    fs::create_dir(tmp.path().join("a")).unwrap();
    let path = tmp.path().join("a/i.png");
    // 10,000 pixels each way: in a PNG's IHDR, which has a checksum, and in a JPEG's SOF.
    let mut png = encoded(40, ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    let mut checksum = flate2::Crc::new();
    checksum.update(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    let mut jpeg = encoded(40, ImageFormat::Jpeg);
    let sof = jpeg.windows(2).position(|two| two == b"\xff\xc0").unwrap();
    jpeg[sof + 5..sof + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    for bytes in [png, jpeg] {
        fs::write(&path, &bytes).unwrap();
        load_within(
            DatasetName::of(&datasets::IMAGE_FOLDER),
            tmp.path(),
            FIXED,
            0,
            bytes.len(),
        );
    }
}

#[test]
fn tables_that_promise_many_rows_reserve_little() {
    if done_alone(tables_that_promise_many_rows_reserve_little) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let rows = 100_000;
    let bytes = parquet(vec![None; rows], &vec![Some(1); rows]);
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    for name in ["train.parquet", "test.parquet"] {
        fs::write(tmp.path().join(name), &bytes).unwrap();
    }
    load_within(
        DatasetName::of(&datasets::CIFAR10),
        tmp.path(),
        FIXED,
        0,
        bytes.len(),
    );
}
