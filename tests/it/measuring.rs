//! What is measured, through the real binary.

use std::path::Path;
use std::process::Output;

use polars::prelude::*;
use serde_json::Value;

use crate::common::survival::read_table;
use crate::common::{SMALL, runner, said, write};

const ALL: &str = r#"metrics = ["accuracy", "balanced_accuracy", "precision", "recall", "macro_f1", "cohen_kappa",
"auroc", "average_precision", "calibration_error", "top5_accuracy", "per_class", "per_class_precision", "per_class_f1"]
early_stopping = { monitor = "val_calibration_error", patience = 1 }"#;

/// Runs SMALL with more lines in its last table, `[training]`, as `e.toml`.
fn run(folder: &Path, more: &str) -> Output {
    write(folder, "e.toml", &format!("{SMALL}\n{more}\n"));
    let output = runner(folder).arg("e.toml").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    output
}

fn float(table: &DataFrame, column: &str) -> Option<f64> {
    table.column(column).unwrap().f64().unwrap().get(0)
}

#[test]
fn every_metric_is_recorded_of_every_part_and_evaluate_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), ALL);
    let results = folder.path().join("results/e");
    let runs = read_table(&results.join("runs.parquet"));
    let epochs = read_table(&results.join("metrics.parquet"));
    let name = runs.column("run").unwrap().str().unwrap().get(0).unwrap();
    let evaluated = runner(folder.path())
        .args([
            "evaluate",
            &format!("results/e/runs/{name}"),
            "--format",
            "json",
        ])
        .output()
        .unwrap();
    let evaluated: Value = serde_json::from_slice(&evaluated.stdout).unwrap();
    for metric in [
        "auroc",
        "average_precision",
        "calibration_error",
        "cohen_kappa",
        "macro_f1",
    ] {
        let tested = float(&runs, &format!("test_{metric}")).unwrap();
        // JSON's decimals are read to the last bit but one.
        let evaluated = evaluated[metric].as_f64().unwrap();
        assert!((evaluated - tested).abs() < 1e-15, "{metric}: {evaluated}");
        assert_eq!(
            float(&runs, &format!("val_{metric}")).unwrap().to_bits(),
            float(&epochs, &format!("val_{metric}")).unwrap().to_bits(),
            "{metric}"
        );
        assert!(float(&epochs, metric).unwrap() <= 1.0, "{metric}");
    }
    let classes = evaluated["per_class"].as_array().unwrap();
    let f1 = runs.column("test_per_class_f1").unwrap().list().unwrap();
    let f1 = f1.get_as_series(0).unwrap();
    let f1: Vec<Option<f64>> = f1
        .f64()
        .unwrap()
        .iter()
        .map(|v| v.filter(|v| !v.is_nan()))
        .collect();
    let found: Vec<Option<f64>> = classes.iter().map(|class| class["f1"].as_f64()).collect();
    assert_eq!(found, f1);
}

#[test]
fn classes_without_images_are_said_once_where_a_mean_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = "metrics = [\"auroc\", \"recall\"]\n[sweep.axes]\nseed = [1, 2]";
    let said = said(&run(folder.path(), metrics));
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("validation image is of"))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(
        lines[0].contains("left out of auroc; where predicted, 0 in recall"),
        "{}",
        lines[0]
    );

    let folder = tempfile::tempdir().unwrap();
    let silent = crate::common::said(&run(folder.path(), ""));
    assert!(!silent.contains("image is of"), "{silent}");
}
