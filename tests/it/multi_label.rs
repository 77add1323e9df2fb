//! Images with several labels, from the table to what a saved model says.

use std::fs;
use std::path::Path;

use polars::prelude::*;

use crate::common::survival::read_table;
use crate::common::{runner, said, write};

const SPEC: &str = r#"
[dataset]
name = "table"
path = "labels.csv"
images = "photos"
label_column = "labels"
multi_label = true
label_separator = "|"
validation_split = 0.25
test_split = 0.25
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
activation = "sigmoid"
[training]
epochs = 2
batch_size = 8
loss = "binary_crossentropy"
class_weights = "balanced"
metrics = ["accuracy", "exact_match", "precision", "recall", "macro_f1", "micro_f1", "auroc", "average_precision", "per_class", "per_class_precision", "per_class_f1"]
"#;

/// The labels of photo `i`, as they stand in the table.
fn labels(i: usize) -> String {
    let all = [
        ("red", i.is_multiple_of(2)),
        ("wide", i.is_multiple_of(3)),
        ("dark", i.is_multiple_of(5)),
    ];
    let labels = all.iter().filter(|(_, is_there)| *is_there);
    labels.map(|(name, _)| *name).collect::<Vec<_>>().join("|")
}

/// 40 photos, and a table of their labels.
fn photos(folder: &Path) {
    fs::create_dir_all(folder.join("photos")).unwrap();
    let mut table = String::from("image,labels\n");
    for i in 0..40usize {
        let red = if i.is_multiple_of(2) { 230 } else { 20 };
        let side = if i.is_multiple_of(3) { 40 } else { 20 };
        let light = if i.is_multiple_of(5) { 0 } else { 200 };
        let photo = image::RgbImage::from_fn(side, 20, |x, _| {
            image::Rgb([red, light, (x * 3) as u8 + i as u8])
        });
        photo
            .save(folder.join(format!("photos/{i:02}.png")))
            .unwrap();
        table += &format!("{i:02}.png,{}\n", labels(i));
    }
    write(folder, "labels.csv", &table);
}

fn project() -> tempfile::TempDir {
    let tmp = tempfile::tempdir().unwrap();
    photos(tmp.path());
    tmp
}

fn run(folder: &Path, spec: &str, arguments: &[&str]) -> (i32, String) {
    write(folder, "e.toml", spec);
    let output = runner(folder).args(arguments).output().unwrap();
    (output.status.code().unwrap(), said(&output))
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "\"{part}\" is missing in:\n{text}");
    }
}

#[test]
fn images_of_several_labels_are_trained_evaluated_and_predicted() {
    let tmp = project();
    let (status, text) = run(tmp.path(), SPEC, &["check", "e.toml"]);
    assert_eq!(status, 0, "{text}");
    assert_says(
        &text,
        &[
            "3 classes (dark, red, wide)",
            "1.05 labels an image on average; 10 images of none of the classes",
            "00.png is dark and red and wide; 01.png is none of the classes; 02.png is red",
        ],
    );
    let (status, text) = run(tmp.path(), SPEC, &["e.toml"]);
    assert_eq!(status, 0, "{text}");
    let results = tmp.path().join("results/e");
    let table = read_table(&results.join("predictions.parquet"));
    let text_of = |column: &str| table.column(column).unwrap().str().unwrap().clone();
    let (files, found) = (text_of("file"), text_of("label"));
    for (file, found) in files.iter().zip(found.iter()) {
        let i: usize = file.unwrap()[..2].parse().unwrap();
        let mut names: Vec<String> = serde_json::from_str(found.unwrap()).unwrap();
        names.sort_by_key(|name| {
            ["red", "wide", "dark"]
                .iter()
                .position(|other| other == name)
        });
        assert_eq!(names.join("|"), labels(i), "{file:?}");
    }
    assert_eq!(table.height(), 10);
    let splits = read_table(
        &fs::read_dir(results.join("runs"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path()
            .join("splits.parquet"),
    );
    assert_eq!(splits.height(), 40);
    let charts: Vec<String> = fs::read_dir(results.join("charts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(charts.iter().any(|name| name == "roc.svg"), "{charts:?}");
    for none in ["confusion.svg", "per_class.svg", "reliability.svg"] {
        assert!(!charts.iter().any(|name| name == none), "{charts:?}");
    }
    let report = fs::read_to_string(results.join("report.html")).unwrap();
    assert_says(&report, &["Images have several labels each"]);
    let run_folder = fs::read_dir(results.join("runs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let run_folder = run_folder.to_str().unwrap();
    let evaluated = runner(tmp.path())
        .args(["evaluate", run_folder, "--format", "json"])
        .output()
        .unwrap();
    let evaluated: serde_json::Value = serde_json::from_slice(&evaluated.stdout).unwrap();
    let recorded = read_table(&results.join("runs.parquet"));
    for metric in ["accuracy", "exact_match", "micro_f1", "macro_f1", "auroc"] {
        let recorded = recorded
            .column(&format!("test_{metric}"))
            .unwrap()
            .f64()
            .unwrap()
            .get(0);
        assert_eq!(
            evaluated[metric].as_f64(),
            recorded.filter(|value| !value.is_nan()),
            "{metric}"
        );
    }
    assert!(evaluated.get("cohen_kappa").is_none(), "{evaluated}");
    let predicted = runner(tmp.path())
        .args([
            "predict",
            run_folder,
            "photos/00.png",
            "--format",
            "json",
            "--set",
            "training.threshold=0.001",
        ])
        .output()
        .unwrap();
    let predicted: serde_json::Value = serde_json::from_slice(&predicted.stdout).unwrap();
    let labels = &predicted["images"][0]["labels"];
    assert_eq!(labels.as_array().map(Vec::len), Some(3), "{predicted}");
}

#[test]
fn lists_in_parquet_are_read_as_text_with_a_separator_is() {
    let tmp = project();
    let (status, text) = run(tmp.path(), SPEC, &["e.toml"]);
    assert_eq!(status, 0, "{text}");
    let names: Vec<String> = (0..40).map(|i| format!("{i:02}.png")).collect();
    let lists = (0..40).map(|i| {
        let all = labels(i);
        let labels: Vec<String> = all
            .split('|')
            .filter(|label| !label.is_empty())
            .map(str::to_owned)
            .collect();
        Some(Series::new("".into(), labels))
    });
    let mut lists: ListChunked = lists.collect();
    lists.rename("labels".into());
    let columns = vec![
        Column::new("image".into(), names),
        lists.into_series().into_column(),
    ];
    let mut frame = DataFrame::new(40, columns).unwrap();
    let file = fs::File::create(tmp.path().join("labels.parquet")).unwrap();
    ParquetWriter::new(file).finish(&mut frame).unwrap();
    let spec = SPEC
        .replace("labels.csv", "labels.parquet")
        .replace("label_separator = \"|\"\n", "");
    let before = read_table(&tmp.path().join("results/e/predictions.parquet"));
    let (status, text) = run(tmp.path(), &spec, &["e.toml", "--results", "other"]);
    assert_eq!(status, 0, "{text}");
    let after = read_table(&tmp.path().join("other/e/predictions.parquet"));
    let (before, after) = (before.drop("run").unwrap(), after.drop("run").unwrap());
    assert!(before.equals_missing(&after), "{before}\n{after}");
    let of_names = |i: usize| -> Vec<i32> {
        let names = ["wide", "red", "dark"].iter().zip(0..);
        let all = labels(i);
        let of_image = names.filter(|(name, _)| all.split('|').any(|label| label == **name));
        of_image.map(|(_, number)| number).collect()
    };
    let mut lists: ListChunked = (0..40)
        .map(|i| Some(Series::new("".into(), of_names(i))))
        .collect();
    lists.rename("labels".into());
    frame
        .with_column(lists.into_series().into_column())
        .unwrap();
    let features = r#"{"info": {"features": {"image": {"_type": "Value"}, "labels": {"_type": "List", "feature":
        {"_type": "ClassLabel", "names": ["wide", "red", "dark"]}}}}}"#;
    let about = vec![("huggingface".to_owned(), features.to_owned())];
    let file = fs::File::create(tmp.path().join("labels.parquet")).unwrap();
    ParquetWriter::new(file)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(about)))
        .finish(&mut frame)
        .unwrap();
    let (status, text) = run(tmp.path(), &spec, &["check", "e.toml"]);
    assert_eq!(status, 0, "{text}");
    let says = "3 classes of column labels (named by the file): wide (14), red (20), dark (8)";
    assert_says(&text, &[says]);
    let (status, text) = run(
        tmp.path(),
        &spec
            .replace("multi_label = true\n", "")
            .replace("\"exact_match\", ", "")
            .replace("\"micro_f1\", ", ""),
        &["check", "e.toml"],
    );
    assert_eq!(status, 2, "{text}");
    assert_says(
        &text,
        &[
            "column \"labels\" holds lists of whole numbers",
            "dataset.multi_label = true",
        ],
    );
}

#[test]
fn what_has_no_meaning_for_several_labels_is_refused_at_its_key() {
    let tmp = project();
    for (from, to, says) in [
        (
            "label_separator = \"|\"\n",
            "",
            "`dataset.multi_label` needs `dataset.label_separator`",
        ),
        (
            "label_separator = \"|\"",
            "label_separator = \"\"",
            "`dataset.label_separator` is empty",
        ),
        (
            "multi_label = true\n",
            "",
            "`dataset.label_separator` is for images with several labels",
        ),
        (
            "\"exact_match\"",
            "\"cohen_kappa\"",
            "cohen_kappa is not defined of images with several labels",
        ),
        (
            "class_weights = \"balanced\"",
            "sampler = \"balanced\"",
            "`training.sampler` draws classes as often as one another",
        ),
        (
            "loss = \"binary_crossentropy\"",
            "loss = \"categorical_crossentropy\"",
            "`dataset.multi_label` needs a loss that takes each class by itself",
        ),
        (
            "label_separator = \"|\"",
            "label_separator = \"|\"\nclasses = [\"red\", \"wide\"]",
            "`dataset.classes` chooses images by their one label",
        ),
    ] {
        assert!(SPEC.contains(from));
        let (status, text) = run(tmp.path(), &SPEC.replace(from, to), &["check", "e.toml"]);
        assert_eq!(status, 2, "{text}");
        assert_says(&text, &[says]);
    }
    let one = SPEC.replace("multi_label = true\nlabel_separator = \"|\"\n", "");
    let (status, text) = run(tmp.path(), &one, &["check", "e.toml"]);
    assert_eq!(status, 2, "{text}");
    assert_says(
        &text,
        &["exact_match is not defined of images with one label"],
    );
}

#[test]
fn killed_inside_an_epoch_a_run_of_several_labels_ends_with_the_same_numbers() {
    let tmp = project();
    let spec = SPEC.replace("epochs = 2", "epochs = 2\ncheckpoint_minutes = 0");
    let (status, text) = run(tmp.path(), &spec, &["e.toml"]);
    assert_eq!(status, 0, "{text}");
    let killed = runner(tmp.path())
        .args(["e.toml", "--results", "killed"])
        .env("RUNNER_FAIL_POINT", "checkpoint:2:renamed")
        .output()
        .unwrap();
    assert_ne!(killed.status.code(), Some(0), "{}", said(&killed));
    let (status, text) = run(tmp.path(), &spec, &["e.toml", "--results", "killed"]);
    assert_eq!(status, 0, "{text}");
    let table = |folder: &str| {
        let table = read_table(&tmp.path().join(folder).join("e/metrics.parquet"));
        table.drop_many(crate::common::survival::TIMES)
    };
    assert!(table("results").equals_missing(&table("killed")));
}
