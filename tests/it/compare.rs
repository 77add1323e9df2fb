//! `runner compare` through the real binary, on tables of made-up runs.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::SystemTime;

use polars::prelude::*;
use runner::metric::{ACCURACY, Metrics};
use runner::spec::AxisValue;
use runner::store::{Axis, RunRow, Status, Tables};

use crate::common::runner;

/// Test accuracies of three seeds by freeze depth and learning rate.
const RUNS: [(&str, f64, [f64; 3]); 3] = [
    ("none", 1e-3, [0.70, 0.72, 0.71]),
    ("block4_pool", 1e-3, [0.69, 0.72, 0.70]),
    ("all", 1e-4, [0.40, 0.42, 0.44]),
];

/// Writes an experiment's tables: the runs above, and one that failed.
fn experiment(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let axis = |key: &str| Axis {
        key: key.into(),
        values: Vec::new(),
    };
    let axes = ["freeze.through", "optimizer.learning_rate", "seed"].map(axis);
    let mut tables = Tables::open(folder, &axes, &[]).unwrap();
    for (through, rate, accuracies) in RUNS {
        for (seed, accuracy) in accuracies.into_iter().enumerate() {
            tables.set_run(row(through, rate, seed as i64, Some(accuracy)));
        }
    }
    tables.set_run(row("none", 1e-3, 3, None));
    tables.write().unwrap();
}

fn row(through: &str, rate: f64, seed: i64, accuracy: Option<f64>) -> RunRow {
    let metrics = |accuracy| Metrics::of_loss(1.0 - accuracy).with(&ACCURACY, accuracy);
    RunRow {
        run: format!("{through}-{rate}-{seed}"),
        point: vec![
            ("freeze.through".into(), AxisValue::Text(through.into())),
            ("optimizer.learning_rate".into(), AxisValue::Float(rate)),
            ("seed".into(), AxisValue::Integer(seed)),
        ],
        status: if accuracy.is_some() {
            Status::Finished
        } else {
            Status::Failed
        },
        error: None,
        epochs: 3,
        best_epoch: Some(2),
        validation: None,
        test: accuracy.map(metrics),
        skipped_images: Some(0),
        parameters: Some(2000),
        trainable_parameters: Some(1000),
        seconds: 2.0,
        device: "cpu".into(),
        spec: r#"{"training": {"epochs": 3}}"#.into(),
        contents: None,
        version: "0.1.0".into(),
        started: SystemTime::UNIX_EPOCH,
    }
}

fn output(folder: &Path, args: &[&str]) -> Vec<u8> {
    let output = runner(folder).arg("compare").args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn text(folder: &Path, args: &[&str]) -> String {
    String::from_utf8(output(folder, args)).unwrap()
}

fn json(folder: &Path, args: &[&str]) -> serde_json::Value {
    serde_json::from_slice(&output(folder, &[args, &["--format", "json"]].concat())).unwrap()
}

#[test]
fn the_best_is_first_and_what_lies_within_its_noise_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    experiment(&folder.path().join("a"));
    let table = text(folder.path(), &["a"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("through") && lines[0].contains("test_accuracy"),
        "{table}"
    );
    assert!(
        lines[1].starts_with("none") && lines[1].ends_with("best"),
        "{table}"
    );
    assert!(lines[1].contains("71.0 ± 1.0 %"), "{table}");
    assert!(
        lines[2].starts_with("block4_pool") && lines[2].ends_with("≈ best"),
        "{table}"
    );
    assert!(
        lines[3].starts_with("all") && !lines[3].ends_with("best"),
        "{table}"
    );
    assert!(
        table.contains("(Holm)") && table.contains("left out: 1 run"),
        "{table}"
    );
}

/// The runs above with these validation accuracies.
fn validated(folder: &Path, validation: [f64; 3]) {
    fs::create_dir_all(folder).unwrap();
    let mut tables = Tables::open(folder, &[], &[]).unwrap();
    for ((through, rate, accuracies), validated) in RUNS.into_iter().zip(validation) {
        for (seed, accuracy) in accuracies.into_iter().enumerate() {
            let mut row = row(through, rate, seed as i64, Some(accuracy));
            row.validation = Some(Metrics::of_loss(1.0).with(&ACCURACY, validated));
            tables.set_run(row);
        }
    }
    tables.write().unwrap();
}

#[test]
fn validation_images_choose_the_best_and_test_images_say_how_good_it_is() {
    let folder = tempfile::tempdir().unwrap();
    validated(&folder.path().join("a"), [0.5, 0.9, 0.6]);
    let found = json(folder.path(), &["a"]);
    assert_eq!(
        (&found["metric"], &found["reported"]),
        (&"val_accuracy".into(), &"test_accuracy".into())
    );
    assert_eq!(found["optimistic"], false);
    let order = |found: &serde_json::Value| -> Vec<String> {
        let groups = found["groups"].as_array().unwrap().iter();
        groups
            .map(|g| g["point"]["freeze.through"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(order(&found), ["block4_pool", "all", "none"]);
    let by_test = json(folder.path(), &["a", "--select", "test"]);
    assert_eq!(order(&by_test), ["none", "block4_pool", "all"]);
    assert_eq!(by_test["optimistic"], true);
    let said = text(folder.path(), &["a", "--select", "test"]);
    assert!(
        said.contains("as asked for: that number is optimistic"),
        "{said}"
    );
    let by_loss = json(folder.path(), &["a", "--metric", "loss"]);
    assert_eq!(by_loss["metric"], "val_loss");
}

#[test]
fn without_validation_images_the_test_images_decide_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    experiment(&folder.path().join("a"));
    let by_loss = json(folder.path(), &["a", "--metric", "loss"]);
    assert_eq!(by_loss["metric"], "test_loss");
    let said = text(folder.path(), &["a", "--metric", "loss"]);
    assert!(said.contains("no validation images were kept"), "{said}");
    let args = ["compare", "a", "--select", "validation"];
    let output = runner(folder.path()).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no run has validation images"), "{said}");
}

#[test]
fn a_setting_that_is_better_only_on_test_images_is_told_and_not_chosen() {
    let folder = tempfile::tempdir().unwrap();
    validated(&folder.path().join("a"), [0.5, 0.6, 0.9]);
    let groups = json(folder.path(), &["a"])["groups"].clone();
    assert_eq!(groups[0]["point"]["freeze.through"], "all");
    // scipy.stats.ttest_rel against all: 0.0012 and 0.0018; both are 0.0024 after Holm.
    for group in [&groups[1], &groups[2]] {
        assert_eq!(group["verdict"], "better", "{group}");
    }
}

#[test]
fn what_no_other_setting_beats_in_everything_is_on_the_front() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("a")).unwrap();
    let mut tables = Tables::open(&folder.path().join("a"), &[], &[]).unwrap();
    for (through, accuracy, seconds) in [
        ("none", 0.9, 9.0),
        ("block1_pool", 0.8, 10.0),
        ("all", 0.7, 1.0),
    ] {
        let mut row = row(through, 1e-3, 0, Some(accuracy));
        row.seconds = seconds;
        tables.set_run(row);
    }
    tables.write().unwrap();
    let groups = json(folder.path(), &["a"])["groups"].clone();
    let front: Vec<bool> = (0..3)
        .map(|i| groups[i]["pareto"].as_bool().unwrap())
        .collect();
    assert_eq!(front, [true, false, true]);
    let said = text(folder.path(), &["a"]);
    assert!(
        said.contains("Pareto front of test_accuracy, seconds and parameters"),
        "{said}"
    );
}

#[test]
fn images_and_measures_that_contradict_one_another_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    validated(&folder.path().join("a"), [0.5, 0.6, 0.9]);
    for (select, metric) in [("test", "val_accuracy"), ("validation", "test_loss")] {
        let args = ["compare", "a", "--select", select, "--metric", metric];
        let output = runner(folder.path()).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("leave one of the two out"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn runs_of_one_seed_that_build_on_other_models_are_no_repetitions() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("a");
    fs::create_dir_all(&results).unwrap();
    let mut tables = Tables::open(&results, &[], &[]).unwrap();
    for (seed, digits) in [(0, "00000001"), (1, "00000002"), (1, "00000003")] {
        let mut row = row("none", 1e-3, seed, Some(0.5));
        row.run = format!("seed={seed}-{digits}");
        tables.set_run(row);
    }
    tables.write().unwrap();
    let groups = json(folder.path(), &["a"])["groups"].clone();
    let sizes: Vec<u64> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["n"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [2, 1]);
    let said = text(folder.path(), &["a"]);
    assert!(said.contains("build on other models"), "{said}");
}

#[test]
fn axes_can_be_folded_and_runs_left_out() {
    let folder = tempfile::tempdir().unwrap();
    experiment(&folder.path().join("a"));
    let by_rate = json(folder.path(), &["a", "--by", "optimizer.learning_rate"]);
    assert_eq!(
        by_rate["folded"],
        serde_json::json!(["freeze.through", "seed"])
    );
    assert_eq!(by_rate["groups"][0]["n"], 6);
    let some = json(
        folder.path(),
        &[
            "a",
            "--where",
            "freeze.through!=all",
            "--where",
            "training.epochs=3",
        ],
    );
    assert_eq!(some["groups"].as_array().unwrap().len(), 2);
    let rate = json(
        folder.path(),
        &["a", "--where", "optimizer.learning_rate=1e-4"],
    );
    assert_eq!(rate["groups"][0]["n"], 3);
    let by_loss = json(folder.path(), &["a", "--metric", "test_loss"]);
    assert_eq!(by_loss["metric"], "test_loss");
    assert_eq!(by_loss["groups"][0]["point"]["freeze.through"], "none");
}

#[test]
fn several_experiments_are_told_apart_by_name() {
    let folder = tempfile::tempdir().unwrap();
    experiment(&folder.path().join("results/a"));
    experiment(&folder.path().join("results/b"));
    for args in [&["results"][..], &["results/a", "results/b"]] {
        let both = json(folder.path(), args);
        let groups = both["groups"].as_array().unwrap();
        assert_eq!(groups.len(), 6);
        let of_b = groups.iter().filter(|g| g["point"]["experiment"] == "b");
        assert_eq!(of_b.count(), 3);
    }
}

#[test]
fn every_format_has_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    experiment(&folder.path().join("a"));
    let parquet = output(folder.path(), &["a", "--format", "parquet"]);
    let table = ParquetReader::new(Cursor::new(parquet)).finish().unwrap();
    let means = table.column("test_accuracy_mean").unwrap().f64().unwrap();
    let csv = text(folder.path(), &["a", "--format", "csv"]);
    let json = json(folder.path(), &["a"]);
    let markdown = text(folder.path(), &["a", "--format", "markdown"]);
    assert_eq!(csv.lines().count(), 4);
    assert!(
        markdown.lines().nth(1).unwrap().starts_with("| --- |"),
        "{markdown}"
    );
    for (i, mean) in means.iter().enumerate() {
        let mean = mean.unwrap();
        assert_eq!(
            json["groups"][i]["test_accuracy"]["mean"].as_f64(),
            Some(mean)
        );
        let line = csv.lines().nth(i + 1).unwrap();
        assert!(line.contains(&format!(",{mean},")), "{line}");
        let row = markdown.lines().nth(i + 2).unwrap();
        assert!(row.contains(&format!("{:.1} ±", mean * 100.0)), "{row}");
    }
}

#[test]
fn what_is_not_there_is_said_with_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    experiment(&folder.path().join("a"));
    for (args, expected) in [
        (&["nowhere"][..], "there are no results in nowhere"),
        (
            &["a", "--by", "freeze.trough"],
            "did you mean `freeze.through`?",
        ),
        (
            &["a", "--metric", "test_acuracy"],
            "did you mean `test_accuracy`?",
        ),
        (&["a", "--where", "seed"], "KEY=VALUE"),
        (&["a", "--where", "seed=9"], "no run matches --where"),
    ] {
        let output = runner(folder.path())
            .arg("compare")
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(expected), "{args:?}: {said}");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
