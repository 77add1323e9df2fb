//! `runner probe`, `runner check --learning-rate` and `runner evaluate --calibrate` through the real binary.

use std::fs;
use std::path::Path;

use polars::prelude::*;
use tempfile::tempdir;

use crate::common::{runner, said};

const SPEC: &str = r#"
name = "a"
dataset = { name = "digits", train_limit = 200, test_limit = 60, validation_split = 0.25 }
backbone = { arch = "squeezenet1_1", weights = "random", input_size = 32 }
freeze = { through = "all" }
head = [{ layer = "global_average_pooling" }, { layer = "dense", units = "classes", activation = "softmax" }]
optimizer = { name = "adam" }
training = { epochs = 2 }
"#;

fn done(folder: &Path, spec: &str, args: &[&str]) -> String {
    fs::write(folder.join("a.toml"), spec).unwrap();
    let output = runner(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

fn probes(folder: &Path) -> DataFrame {
    let file = fs::File::open(folder.join("results/a/probe.parquet")).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

#[test]
fn probes_have_a_row_per_boundary_and_probe() {
    let folder = tempdir().unwrap();
    let text = done(folder.path(), SPEC, &["probe", "a.toml"]);
    assert!(
        text.contains("worth training with freeze.through = \""),
        "{text}"
    );
    let table = probes(folder.path());
    for column in [
        "boundary",
        "layers",
        "probe",
        "dimensions",
        "val_accuracy",
        "val_std",
        "test_accuracy",
        "seconds",
    ] {
        assert_eq!(table.column(column).unwrap().null_count(), 0, "{column}");
    }
    let of_probe = table.column("probe").unwrap().str().unwrap();
    let names: Vec<&str> = of_probe.iter().take(3).flatten().collect();
    assert_eq!(names, ["ridge", "logistic", "knn"]);
    assert_eq!(table.height() % 3, 0);
    // Digits can be told by the shallow features of random weights, far better than by guessing.
    let best = table
        .column("val_accuracy")
        .unwrap()
        .f64()
        .unwrap()
        .max()
        .unwrap();
    assert!(best > 0.5, "{best}");
    let svg = fs::read_to_string(folder.path().join("results/a/charts/depth.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("logistic"));
}

#[test]
fn every_boundary_that_is_probed_can_be_frozen_through() {
    let folder = tempdir().unwrap();
    done(folder.path(), SPEC, &["probe", "a.toml"]);
    let table = probes(folder.path());
    let names = table.column("boundary").unwrap().str().unwrap();
    let mut names: Vec<&str> = names.iter().flatten().collect();
    names.dedup();
    for name in names {
        let through = format!("freeze.through={name}");
        let mut command = runner(folder.path());
        let output = command.args(["check", "a.toml", "--set", &through]);
        let output = output.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}

#[test]
fn the_same_spec_gives_the_same_probes_whatever_it_sweeps_and_on_any_number_of_threads() {
    let (one, other) = (tempdir().unwrap(), tempdir().unwrap());
    done(one.path(), SPEC, &["probe", "a.toml"]);
    let sweep =
        format!("{SPEC}[sweep.axes]\n\"freeze.through\" = [\"none\", \"all\"]\nseed = [0, 1]\n");
    fs::write(other.path().join("a.toml"), sweep).unwrap();
    let mut command = runner(other.path());
    let output = command
        .args(["probe", "a.toml"])
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let numbers = |folder: &Path| {
        let table = probes(folder);
        let columns = ["boundary", "probe", "val_accuracy", "test_accuracy"];
        table.select(columns).unwrap()
    };
    assert!(numbers(one.path()).equals(&numbers(other.path())));
}

#[test]
fn a_sweep_of_backbones_has_a_line_each() {
    let folder = tempdir().unwrap();
    let sweep = format!(
        "{SPEC}[sweep.axes]\n\"backbone.arch\" = [\"squeezenet1_1\", \"mobilenetv3_small_100\"]\n"
    );
    let text = done(folder.path(), &sweep, &["probe", "a.toml"]);
    assert!(
        text.contains("mobilenetv3_small_100: worth training"),
        "{text}"
    );
    let table = probes(folder.path());
    assert_eq!(table.column("backbone").unwrap().n_unique().unwrap(), 2);
}

#[test]
fn probes_without_validation_images_are_refused() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), SPEC.replace("0.25", "0")).unwrap();
    let output = runner(folder.path())
        .args(["probe", "a.toml"])
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("there are no validation images") && said.contains("a.toml:3"),
        "{said}"
    );
}

#[test]
fn learning_rates_are_tried_and_drawn_and_nothing_else_is_left() {
    let folder = tempdir().unwrap();
    let text = done(folder.path(), SPEC, &["check", "a.toml", "--learning-rate"]);
    assert!(text.contains("where the loss falls the fastest"), "{text}");
    let svg = fs::read_to_string(folder.path().join("learning_rate.svg")).unwrap();
    assert!(svg.contains("loss by learning rate"));
    assert!(!folder.path().join("results").exists());
}

#[test]
fn a_temperature_makes_probabilities_no_worse() {
    let folder = tempdir().unwrap();
    done(folder.path(), SPEC, &["a.toml"]);
    let mut runs = fs::read_dir(folder.path().join("results/a/runs")).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    let run = run.to_str().unwrap();
    let mut command = runner(folder.path());
    command.args(["evaluate", run, "--calibrate"]);
    let output = command
        .args(["--part", "validation", "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let calibration = &found["calibration"];
    assert_eq!(calibration["validation_images"], 50);
    let loss = |when: &str| calibration[when]["loss"].as_f64().unwrap();
    assert!(loss("after") <= loss("before"), "{calibration}");
    assert!(
        (loss("before") - found["loss"].as_f64().unwrap()).abs() < 1e-5,
        "{found}"
    );
    let table = done(folder.path(), SPEC, &["evaluate", run, "--calibrate"]);
    assert!(
        table.contains("temperature ") && table.contains("calibration_error"),
        "{table}"
    );
}

#[test]
fn folds_are_probed_once() {
    let folder = tempdir().unwrap();
    let folds = SPEC.replace("validation_split = 0.25", "folds = 4");
    let sweep = format!("{folds}[sweep.axes]\n\"dataset.fold\" = [0, 1, 2, 3]\n");
    done(folder.path(), &sweep, &["probe", "a.toml"]);
    let table = probes(folder.path());
    let boundaries = table.column("boundary").unwrap().n_unique().unwrap();
    assert_eq!(table.height(), 3 * boundaries);
}

/// A model that was drawn to pretrained weights is a model like others.
#[test]
fn what_was_trained_with_l2_sp_is_used_alone() {
    let folder = tempdir().unwrap();
    let first = SPEC.replace("name = \"a\"", "name = \"first\"");
    fs::write(folder.path().join("first.toml"), first).unwrap();
    let spec = SPEC
        .replace(
            "weights = \"random\"",
            "weights = { experiment = \"first.toml\" }",
        )
        .replace("name = \"adam\"", "name = \"adam\", l2_sp = 0.1")
        .replace("through = \"all\"", "through = \"fire8\"");
    done(folder.path(), &spec, &["a.toml"]);
    let mut runs = fs::read_dir(folder.path().join("results/a/runs")).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    let output = runner(folder.path())
        .arg("evaluate")
        .arg(run)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}
