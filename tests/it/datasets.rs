//! What a dataset's files are taken for: counts, splits, folders, tables.

mod folders;
mod hub;
mod labels;
mod layouts;
mod tables;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use polars::prelude::*;

use crate::common;
use crate::common::{runner, said, write};

/// Trains on the photos in `photos` for an epoch.
const PHOTOS: &str = r#"
[dataset]
name = "image_folder"
path = "photos"
validation_split = 0.25
[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32
[freeze]
through = "none"
[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[training]
epochs = 1
batch_size = 8
"#;

/// `count` small photos in `folder`, each another.
fn photos(folder: &Path, count: usize) {
    fs::create_dir_all(folder).unwrap();
    for i in 0..count {
        let colour = [i as u8, folder.as_os_str().len() as u8, (i * 7) as u8];
        image::RgbImage::from_pixel(9, 7, image::Rgb(colour))
            .save(folder.join(format!("{i:03}.png")))
            .unwrap();
    }
}

/// What `runner check` says of a spec with these settings, and its exit status.
fn check(folder: &Path, spec: &str, sets: &[&str]) -> (i32, String) {
    write(folder, "e.toml", spec);
    let mut command = runner(folder);
    command.args(["check", "e.toml"]);
    for set in sets {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    (output.status.code().unwrap(), said(&output))
}

/// Checks that a spec is fine and that this is said of it.
fn assert_checks(folder: &Path, spec: &str, sets: &[&str], says: &[&str]) {
    let (status, text) = check(folder, spec, sets);
    assert_eq!(status, 0, "{text}");
    for part in says {
        assert!(text.contains(part), "\"{part}\" is missing in:\n{text}");
    }
}

/// Checks that a spec is refused before anything starts, with this said of it.
fn assert_refused(folder: &Path, spec: &str, sets: &[&str], says: &[&str]) {
    let (status, text) = check(folder, spec, sets);
    assert_eq!(status, 2, "{text}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in says {
        assert!(text.contains(part), "\"{part}\" is missing in:\n{text}");
    }
}

#[test]
fn a_test_part_is_held_out_first_and_is_the_same_for_every_seed() {
    for method in ["tail", "random", "stratified"] {
        let tmp = tempfile::tempdir().unwrap();
        for class in ["ant", "bee"] {
            photos(&tmp.path().join("photos").join(class), 20);
        }
        let spec = format!("{PHOTOS}[sweep.axes]\nseed = [0, 1]\n")
            .replace("validation_split", "test_split = 0.2\nvalidation_split")
            .replace("0.25", &format!("0.25\nvalidation = \"{method}\""));
        let says = ["images: 24 training, 8 validation, 8 test"];
        assert_checks(tmp.path(), &spec, &[], &says);
        runner(tmp.path()).arg("e.toml").assert().success();
        let path = tmp.path().join("results/e/predictions.parquet");
        let table = ParquetReader::new(File::open(path).unwrap()).finish();
        let table = table.unwrap();
        let text = |column: &str| -> Vec<String> {
            let column = table.column(column).unwrap().str().unwrap();
            column.iter().map(|text| text.unwrap().to_owned()).collect()
        };
        let rows: Vec<_> = text("run").into_iter().zip(text("file")).collect();
        let runs: BTreeSet<&String> = rows.iter().map(|(run, _)| run).collect();
        let files = |wanted: &String| -> Vec<&String> {
            let rows = rows.iter().filter(|(run, _)| run == wanted);
            rows.map(|(_, file)| file).collect()
        };
        let tested: Vec<Vec<&String>> = runs.into_iter().map(files).collect();
        assert_eq!((tested.len(), tested[0].len()), (2, 8), "{method}");
        assert_eq!(tested[0], tested[1], "{method}");
    }
}

#[test]
fn a_test_split_beside_a_test_part_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    for part in ["train", "test"] {
        for class in ["ant", "bee"] {
            photos(&tmp.path().join("photos").join(part).join(class), 4);
        }
    }
    let split = ["dataset.test_split=0.2"];
    let says = ["test part of its own", "dataset.test_split"];
    assert_refused(tmp.path(), PHOTOS, &split, &says);
    let digits = common::SMALL;
    assert_refused(tmp.path(), digits, &split, &["digits has its own"]);
    let wrong = ["dataset.test_split=1.0"];
    assert_refused(tmp.path(), PHOTOS, &wrong, &["less than 1"]);
}

#[test]
fn check_counts_the_images_that_the_run_will_have() {
    let tmp = tempfile::tempdir().unwrap();
    let small = common::SMALL;
    let limits = "images: 54 training, 6 validation, 20 test";
    assert_checks(tmp.path(), small, &[], &[limits]);
    let chosen = ["dataset.classes=[0, 1, 2, 3, 4]", "dataset.test_limit=1000"];
    let says = ["5 classes", "54 training, 6 validation, 180 test"];
    assert_checks(tmp.path(), small, &chosen, &says);
    // Not there yet: as published.
    let mnist = ["dataset.name=mnist", "dataset.classes=[1, 7]"];
    let says = ["images: 54 training, 6 validation, 20 test"];
    assert_checks(tmp.path(), small, &mnist, &says);
    for class in ["ant", "bee"] {
        photos(&tmp.path().join("photos/train").join(class), 10);
        photos(&tmp.path().join("photos/val").join(class), 3);
    }
    let says = [
        "images: 20 training, 6 validation, no test",
        "dataset.test_split = 0.15 would hold some out",
    ];
    assert_checks(tmp.path(), PHOTOS, &[], &says);
    let axis = ["sweep.axes.\"dataset.train_limit\"=[12, 14]"];
    let says = [
        "12 training, 6 validation, no test (1 of 2 runs)",
        "14 training",
    ];
    assert_checks(tmp.path(), PHOTOS, &axis, &says);
}

#[test]
fn a_run_without_validation_and_test_images_ends_with_its_report() {
    let tmp = tempfile::tempdir().unwrap();
    for class in ["ant", "bee"] {
        photos(&tmp.path().join("photos").join(class), 10);
    }
    let spec = common::SMALL.replace(
        "name = \"digits\"\ntrain_limit = 60\ntest_limit = 20",
        "name = \"image_folder\"\npath = \"photos\"\nvalidation_split = 0",
    );
    common::write(tmp.path(), "e.toml", &spec);
    let done = runner(tmp.path()).arg("e.toml").assert().success();
    let said = common::said(done.get_output());
    assert!(said.contains("report  results/e/report.html"), "{said}");
}

/// Class folders `cat` and `dog` in each of these parts of `photos`.
fn parts(root: &Path, names: &[&str]) {
    for name in names {
        for class in ["cat", "dog"] {
            photos(&root.join("photos").join(name).join(class), 4);
        }
    }
}

/// Folders of four photos in `photos`.
fn classes(root: &Path, names: &[&str]) {
    for name in names {
        photos(&root.join("photos").join(name), 4);
    }
}

/// Classes k0 with 20 images and k1 to k4 with one each.
fn rare(root: &Path) {
    for (class, count) in [("k0", 20), ("k1", 1), ("k2", 1), ("k3", 1), ("k4", 1)] {
        photos(&root.join("photos").join(class), count);
    }
}

#[test]
fn a_stratified_split_leaves_an_image_of_every_class() {
    let tmp = tempfile::tempdir().unwrap();
    rare(tmp.path());
    let stratified = ["dataset.validation=stratified"];
    let says = [
        "18 training, 6 validation",
        "no validation image of classes \"k1\" (1 image)",
    ];
    assert_checks(tmp.path(), PHOTOS, &stratified, &says);
    let both = ["dataset.validation=stratified", "dataset.test_split=0.25"];
    assert_checks(
        tmp.path(),
        PHOTOS,
        &both,
        &["13 training, 5 validation, 6 test"],
    );
    let most = [
        "dataset.validation=stratified",
        "dataset.validation_split=0.9",
    ];
    let says = ["`dataset.validation_split` holds out all training images of class"];
    assert_refused(tmp.path(), PHOTOS, &most, &says);
}

#[test]
fn a_class_that_no_training_image_is_left_of_is_refused_by_name() {
    let tmp = tempfile::tempdir().unwrap();
    rare(tmp.path());
    let half = "dataset.validation_split=0.5";
    for (sets, key) in [
        (&["dataset.validation=random", half][..], "validation_split"),
        (
            &["dataset.validation=tail", "seed=1", half],
            "validation_split",
        ),
        (&["dataset.train_limit=4"], "train_limit"),
        (
            &["dataset.validation=random", "dataset.test_split=0.6"],
            "test_split",
        ),
    ] {
        let says = [
            &format!("`dataset.{key}` ")[..],
            "(1 image)",
            "dataset.classes",
        ];
        assert_refused(tmp.path(), PHOTOS, sets, &says);
    }
    // The limits of other datasets take what comes first, which is said.
    let few = ["dataset.train_limit=5", "dataset.validation_split=0"];
    let says = ["`dataset.train_limit` leaves no training image of classes \"5\""];
    assert_checks(tmp.path(), common::SMALL, &few, &says);
}

#[test]
fn splits_that_leave_no_training_image_are_refused_with_what_takes_them() {
    let tmp = tempfile::tempdir().unwrap();
    let says = [
        "`dataset.validation_split = 0.1` holds out the only training image that `dataset.train_limit = 1` leaves",
        "train_limit=1",
        "raise it, or set `dataset.validation_split = 0`",
    ];
    let one = ["dataset.train_limit=1"];
    assert_refused(tmp.path(), common::SMALL, &one, &says);
    let says = [
        "`dataset.validation_split = 0.9` holds out all 8 training images",
        "--set dataset.validation_split=0.9",
    ];
    classes(tmp.path(), &["ant", "bee"]);
    assert_refused(tmp.path(), PHOTOS, &["dataset.validation_split=0.9"], &says);
}

#[test]
fn datasets_without_their_files_are_found_before_anything_starts() {
    let tmp = tempfile::tempdir().unwrap();
    fs::create_dir(tmp.path().join("empty")).unwrap();
    let path = "dataset.path=empty";
    for name in ["cifar10", "cifar100", "mnist", "fashion_mnist"] {
        let sets = [&format!("dataset.name={name}")[..], path];
        let says = [&format!("{name} is not there")[..], "looked for"];
        assert_refused(tmp.path(), common::SMALL, &sets, &says);
    }
    let python = tmp.path().join("empty/cifar-10-batches-py");
    fs::create_dir(&python).unwrap();
    fs::write(python.join("data_batch_1"), "\u{80}").unwrap();
    for path in [path, "dataset.path=empty/cifar-10-batches-py"] {
        let says = ["edition for Python", "pickle", "cifar-10-binary.tar.gz"];
        let sets = ["dataset.name=cifar10", path];
        assert_refused(tmp.path(), common::SMALL, &sets, &says);
    }
    let says = ["digits are built in", "dataset.path"];
    assert_refused(tmp.path(), common::SMALL, &[path], &says);
}
