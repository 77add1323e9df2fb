//! Tables of images in Parquet.

use std::fs::{self, File};
use std::path::Path;

use polars::prelude::*;

use super::{assert_checks, assert_refused, check};
use crate::common::{self, runner, write};

/// A dataset whose training and test file is this one of `tests/data/parquet` (`make.py` there made them).
fn parquet(root: &Path, name: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/parquet")
        .join(name);
    fs::create_dir_all(root.join("tables")).unwrap();
    for part in ["train.parquet", "test.parquet"] {
        fs::copy(&from, root.join("tables").join(part)).unwrap();
    }
}

/// Trains on such a dataset; the labels of the test images in the predictions.
fn tested_labels(root: &Path) -> Vec<String> {
    let spec = common::SMALL.replace("\"digits\"", "\"cifar10\"\npath = \"tables\"");
    write(root, "e.toml", &spec);
    runner(root).args(["e.toml", "--fresh"]).assert().success();
    let path = root.join("results/e/predictions.parquet");
    let table = ParquetReader::new(File::open(path).unwrap()).finish();
    let table = table.unwrap();
    let column = table.column("label").unwrap().str().unwrap();
    column.iter().map(|text| text.unwrap().to_owned()).collect()
}

#[test]
fn labels_of_every_integer_type_are_read() {
    for kind in ["int", "uint"] {
        for bits in [8, 16, 32, 64] {
            let tmp = tempfile::tempdir().unwrap();
            parquet(tmp.path(), &format!("{kind}{bits}.parquet"));
            let labels = tested_labels(tmp.path());
            assert_eq!(labels, ["truck", "airplane", "cat", "ship"], "{kind}{bits}");
        }
    }
}

#[test]
fn labels_mean_the_names_that_their_file_gives_them() {
    let tmp = tempfile::tempdir().unwrap();
    parquet(tmp.path(), "names_reversed.parquet");
    let labels = tested_labels(tmp.path());
    assert_eq!(labels, ["airplane", "truck", "frog", "automobile"]);
    let tmp = tempfile::tempdir().unwrap();
    parquet(tmp.path(), "names_foreign.parquet");
    let labels = tested_labels(tmp.path());
    assert_eq!(labels, ["truck", "airplane", "cat", "ship"]);
    let spec = fs::read_to_string(tmp.path().join("e.toml")).unwrap();
    let says = [
        "its labels are named flower 0",
        "taken by number for airplane",
    ];
    assert_checks(tmp.path(), &spec, &[], &says);
}

/// An image of 32 × 32 pixels.
fn png() -> Vec<u8> {
    let mut png = Vec::new();
    image::RgbImage::new(32, 32)
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    png
}

/// Makes zeros of a part of a file.
fn zero(path: &Path, part: impl Fn(usize) -> std::ops::Range<usize>) {
    let mut bytes = fs::read(path).unwrap();
    let part = part(bytes.len());
    bytes[part].fill(0);
    fs::write(path, bytes).unwrap();
}

/// A table as on the hub, with these labels.
fn table(path: &Path, labels: Column) {
    images(path, &vec![Some(&png()[..]); labels.len()], labels);
}

/// A table as on the hub: encoded images, and their labels.
fn images(path: &Path, images: &[Option<&[u8]>], labels: Column) {
    let rows = labels.len();
    let bytes = Series::new("bytes".into(), images);
    let images = StructChunked::from_series("img".into(), rows, [bytes].iter()).unwrap();
    let columns = vec![images.into_series().into_column(), labels];
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let file = File::create(path).unwrap();
    ParquetWriter::new(file).finish(&mut frame).unwrap();
}

#[test]
fn tables_that_cannot_be_trained_on_are_found_before_anything_starts() {
    type Makes = fn(&Path);
    fn labelled(path: &Path, name: &str, labels: &[Option<i64>]) {
        table(path, Series::new(name.into(), labels).into_column());
    }
    let cases: [(Makes, &[&str]); 16] = [
        (
            |path| {
                let bytes = fs::read(path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 5]).unwrap();
            },
            &["this Parquet file is cut off", "copy or download it again"],
        ),
        (
            |path| fs::write(path, "").unwrap(),
            &["this is an empty file", "copy or download it again"],
        ),
        (
            |path| fs::write(path, "<!DOCTYPE html><html>").unwrap(),
            &[
                "a Parquet file is needed, and this is a web page (HTML)",
                "download",
            ],
        ),
        (
            |path| fs::write(path, "version https://git-lfs.github.com/spec/v1").unwrap(),
            &["this is a Git LFS pointer", "`git lfs pull`"],
        ),
        (
            |path| zero(path, |length| length - 80..length - 8),
            &["the end of this Parquet file, which says what is in it, is damaged"],
        ),
        (
            |path| zero(path, |_| 4..40),
            &[
                "rows 0 to 3 of column \"img\"",
                "the header of a page is damaged",
                "copy or download it again",
            ],
        ),
        (
            |path| {
                let labels = Series::new("label".into(), [1i64, 2]).into_column();
                images(path, &[Some(&png()), None], labels);
            },
            &[
                "row 1: the image is null",
                "dataset.on_bad_image = \"skip\"",
            ],
        ),
        (
            |path| labelled(path, "class", &[Some(1)]),
            &["has no column \"label\"; its columns are img, class"],
        ),
        (
            |path| table(path, Series::new("label".into(), [1.0]).into_column()),
            &[
                "column \"label\" holds numbers with decimals (double), expected whole numbers (int64)",
                "0 for airplane",
            ],
        ),
        (
            |path| table(path, Series::new("label".into(), ["cat"]).into_column()),
            &["column \"label\" holds text (string), expected whole numbers (int64)"],
        ),
        (
            |path| labelled(path, "label", &[Some(0), Some(10)]),
            &["row 1: label 10, expected 0 to 9"],
        ),
        (
            |path| labelled(path, "label", &[Some(-1)]),
            &["row 0: label -1, expected 0 to 9"],
        ),
        (
            |path| labelled(path, "label", &[Some(1), None]),
            &["row 1: \"label\" is null"],
        ),
        (|path| labelled(path, "label", &[]), &["has no rows"]),
        (
            |path| {
                let columns = vec![
                    Series::new("img".into(), ["a.png"]).into_column(),
                    Series::new("label".into(), [1i64]).into_column(),
                ];
                let mut frame = DataFrame::new_infer_height(columns).unwrap();
                let file = File::create(path).unwrap();
                ParquetWriter::new(file).finish(&mut frame).unwrap();
            },
            &["column \"img\" holds text (string), expected structs"],
        ),
        (
            |path| {
                let mut frame = df!("label" => [1i64]).unwrap();
                let file = File::create(path).unwrap();
                ParquetWriter::new(file).finish(&mut frame).unwrap();
            },
            &["has no column \"img\" or \"image\""],
        ),
    ];
    let spec = common::SMALL.replace("\"digits\"", "\"cifar10\"\npath = \"tables\"");
    for (make, says) in cases {
        for name in ["train.parquet", "test.parquet"] {
            let tmp = tempfile::tempdir().unwrap();
            parquet(tmp.path(), "int64.parquet");
            make(&tmp.path().join("tables").join(name));
            assert_refused(
                tmp.path(),
                &spec,
                &[],
                &[says, &[name, "e.toml:4:8"]].concat(),
            );
            runner(tmp.path()).arg("e.toml").assert().code(2);
            assert!(!tmp.path().join("results").exists(), "{says:?}");
        }
    }
    for (name, says) in [
        (
            "dictionary.parquet",
            "column \"label\" holds text (string), by a dictionary, expected whole numbers",
        ),
        (
            "decimal.parquet",
            "column \"label\" holds decimal numbers (decimal128(20, 0)), expected whole numbers",
        ),
        (
            "large.parquet",
            "row 1: label 18446744073709551615 is too large",
        ),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        parquet(tmp.path(), name);
        let (status, text) = check(tmp.path(), &spec, &[]);
        assert_eq!(status, 2, "{text}");
        assert!(text.starts_with("error: ") && text.contains(says), "{text}");
    }
    let tmp = tempfile::tempdir().unwrap();
    parquet(tmp.path(), "int64.parquet");
    let chosen = ["dataset.classes=[\"airplane\", \"truck\", \"bird\"]"];
    assert_checks(tmp.path(), &spec, &chosen, &["2 test"]);
    labelled(&tmp.path().join("tables/test.parquet"), "label", &[Some(3)]);
    let says = [
        "no test",
        "the test files have no image of the chosen classes",
    ];
    assert_checks(tmp.path(), &spec, &chosen, &says);
}

#[test]
fn an_image_in_a_table_that_does_not_decode_is_named_by_its_row() {
    let tmp = tempfile::tempdir().unwrap();
    parquet(tmp.path(), "int64.parquet");
    let (whole, mut damaged) = (png(), png());
    let middle = damaged.len() / 2;
    damaged[middle] ^= 255;
    for (bad, says) in [
        (&damaged[..], "the PNG is damaged"),
        (&whole[..middle], "the PNG is cut off: its end is missing"),
    ] {
        let labels = Series::new("label".into(), [1i64, 2]).into_column();
        let path = tmp.path().join("tables/train.parquet");
        images(&path, &[Some(&whole), Some(bad)], labels);
        let spec = common::SMALL.replace("\"digits\"", "\"cifar10\"\npath = \"tables\"");
        write(tmp.path(), "e.toml", &spec);
        let output = runner(tmp.path())
            .args(["e.toml", "--fresh"])
            .assert()
            .code(1);
        let said = common::said(output.get_output());
        assert!(
            said.contains(&format!("train.parquet: row 1: {says} (")),
            "{said}"
        );
    }
}

#[test]
fn shards_that_are_not_one_whole_set_are_found_before_anything_starts() {
    for (names, says) in [
        (
            &["train-00000-of-00002-6a1f4c2b9d3e7a05.parquet"][..],
            "2 files belong together",
        ),
        (
            &[
                "train-00000-of-00001-0f9e8d7c6b5a4321.parquet",
                "train-00000-of-00001-6a1f4c2b9d3e7a05.parquet",
            ],
            "there twice",
        ),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        parquet(tmp.path(), "int64.parquet");
        fs::remove_file(tmp.path().join("tables/train.parquet")).unwrap();
        for name in names {
            let from = tmp.path().join("tables/test.parquet");
            fs::copy(from, tmp.path().join("tables").join(name)).unwrap();
        }
        let spec = common::SMALL.replace("\"digits\"", "\"cifar10\"\npath = \"tables\"");
        assert_refused(tmp.path(), &spec, &[], &[says]);
    }
}
