//! Images that are cut, altered or lie: their run fails and names them, the next one is done all the same. Labels and weight files:
//! nothing is begun.

use std::fs;
use std::path::Path;

use polars::prelude::DataType;

use super::{assert_says, runs, texts};
use crate::common::{SMALL, runner, said, write};

/// Ten images of each class: PNG, and a JPEG as `a/09.jpg`.
fn photos(folder: &Path) {
    for class in ["a", "b"] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for i in 0..10u8 {
            let ending = if (class, i) == ("a", 9) { "jpg" } else { "png" };
            image::RgbImage::from_pixel(40, 40, image::Rgb([i * 20, 7, 9]))
                .save(folder.join(class).join(format!("{i:02}.{ending}")))
                .unwrap();
        }
    }
}

fn idx(dimensions: &[u32], values: Vec<u8>) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// MNIST's four files, with thirty images each.
fn mnist(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for part in ["train", "t10k"] {
        let images = idx(&[30, 28, 28], vec![100; 30 * 28 * 28]);
        let labels = idx(&[30], (0..30).map(|i| i % 10).collect());
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// Changes a file's bytes.
fn alter(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Runs an experiment on the folders `bad` and `good`; the first run must fail with this message, the other finish.
fn assert_only_bad_fails(folder: &Path, dataset: &str, says: &[&str]) {
    write(folder, "small.toml", SMALL);
    let output = runner(folder)
        .arg("small.toml")
        .args(["--set", &format!("dataset.name={dataset}")])
        .args(["--set", "sweep.axes.\"dataset.path\"=[\"bad\", \"good\"]"])
        .assert()
        .code(1)
        .get_output()
        .clone();
    let table = runs(folder);
    assert_eq!(texts(&table, "status"), ["failed", "finished"]);
    assert_says(&texts(&table, "error")[0], says);
    assert_says(&said(&output), says);
}

#[test]
fn a_jpeg_that_does_not_decode_is_named() {
    let tmp = tempfile::tempdir().unwrap();
    photos(&tmp.path().join("good"));
    photos(&tmp.path().join("bad"));
    alter(&tmp.path().join("bad/a/09.jpg"), |jpeg| jpeg.truncate(300));
    let says = ["bad/a/09.jpg", "on_bad_image = \"skip\""];
    assert_only_bad_fails(tmp.path(), "image_folder", &says);
}

#[test]
fn skipped_images_are_counted_in_the_runs_and_the_key_stands_in_the_resolved_spec() {
    let tmp = tempfile::tempdir().unwrap();
    photos(&tmp.path().join("photos"));
    fs::write(tmp.path().join("photos/b/03.png"), "no image").unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let output = runner(tmp.path())
        .arg("small.toml")
        .args(["--set", "dataset.name=image_folder"])
        .args(["--set", "dataset.path=photos"])
        .args([
            "--set",
            "sweep.axes.\"dataset.on_bad_image\"=[\"error\", \"skip\"]",
        ])
        .assert()
        .code(1)
        .get_output()
        .clone();
    assert_says(
        &said(&output),
        &["1 of 20 images do not decode", "photos/b/03.png"],
    );
    let table = runs(tmp.path());
    assert_eq!(texts(&table, "status"), ["failed", "finished"]);
    let skipped = table.column("skipped_images").unwrap();
    assert_eq!(skipped.dtype(), &DataType::Int32);
    let skipped: Vec<Option<i32>> = skipped.i32().unwrap().iter().collect();
    assert_eq!(skipped, [None, Some(1)]);
    let run = &texts(&table, "run")[1];
    let spec = fs::read_to_string(
        tmp.path()
            .join("results/small/runs")
            .join(run)
            .join("spec.toml"),
    );
    assert!(spec.unwrap().contains("on_bad_image = \"skip\""));
    assert_says(&texts(&table, "spec")[1], &["\"on_bad_image\":\"skip\""]);
}

#[test]
fn a_cut_dataset_file_is_named() {
    let tmp = tempfile::tempdir().unwrap();
    mnist(&tmp.path().join("good"));
    mnist(&tmp.path().join("bad"));
    let file = "train-images-idx3-ubyte";
    alter(&tmp.path().join("bad").join(file), |idx| {
        idx.truncate(idx.len() - 1)
    });
    assert_only_bad_fails(
        tmp.path(),
        "mnist",
        &[file, "ends inside image 29 of the 30"],
    );
}

/// Labels are read by the plan: nothing is begun.
#[test]
fn a_label_out_of_range_is_named_before_anything_starts() {
    let tmp = tempfile::tempdir().unwrap();
    mnist(&tmp.path().join("mnist"));
    write(tmp.path(), "small.toml", SMALL);
    let file = "t10k-labels-idx1-ubyte";
    alter(&tmp.path().join("mnist").join(file), |idx| idx[8 + 4] = 10);
    for command in [&["small.toml"][..], &["check", "small.toml"]] {
        let mut runner = runner(tmp.path());
        let sets = ["--set", "dataset.name=mnist", "--set", "dataset.path=mnist"];
        let output = runner.args(command).args(sets).assert().code(2);
        let says = [file, "record 4: label 10, expected 0 to 9", "dataset.path"];
        assert_says(&said(output.get_output()), &says);
    }
    assert!(!tmp.path().join("results").exists());
}

#[test]
fn cut_altered_and_lying_weight_files_are_named() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let small = || {
        let mut command = runner(tmp.path());
        command.arg("small.toml");
        command
    };
    small().assert().success();
    let at = |name: &str| tmp.path().join(name);
    let run = texts(&runs(tmp.path()), "run").remove(0);
    let model = at("results/small/runs").join(run).join("model.safetensors");
    for name in ["whole", "cut", "altered", "lying", "huge"] {
        fs::copy(&model, at(name)).unwrap();
    }
    alter(&at("cut"), |file| file.truncate(file.len() - 1));
    alter(&at("altered"), |file| {
        let end = file.len();
        file[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    alter(&at("lying"), |file| {
        let offsets = b"\"data_offsets\":[0,";
        let found = file
            .windows(offsets.len())
            .position(|place| place == offsets);
        file[found.unwrap() + offsets.len()] = b'9';
    });
    alter(&at("huge"), |file| {
        file[..8].copy_from_slice(&99_999_999u64.to_le_bytes());
    });
    for (name, says) in [
        ("cut", &["/cut: the file has", "but its head describes"][..]),
        ("altered", &["/altered: tensor", "is NaN"]),
        (
            "lying",
            &["/lying: the head of the safetensors file is wrong"],
        ),
        ("huge", &["/huge:", "its head would have 99999999 bytes"]),
    ] {
        let files = format!("sweep.axes.\"backbone.weights\"=[\"whole\", \"{name}\"]");
        let output = small().args(["--set", &files]).assert().code(2);
        assert_says(&said(output.get_output()), says);
        assert_says(&said(output.get_output()), &["in the run", "--set sweep"]);
    }
    assert_eq!(texts(&runs(tmp.path()), "status"), ["finished"]);
}
