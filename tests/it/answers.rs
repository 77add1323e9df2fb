//! What is compared is what can be compared: repetitions of one setting, numbers of the saved model, one set of images.

use std::fs;
use std::path::Path;

use polars::prelude::*;
use serde_json::{Value, json};

use crate::common::{SMALL, runner, said, write};

/// Runs the program and gives all that it says.
fn run(folder: &Path, args: &[&str]) -> String {
    let output = runner(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    said(&output)
}

/// [`SMALL`] with two seeds and some validation images.
fn seeds(folder: &Path) {
    let spec = SMALL.replace(
        "test_limit = 20",
        "test_limit = 20\nvalidation_split = 0.25",
    );
    write(
        folder,
        "a.toml",
        &format!("{spec}\n[sweep.axes]\nseed = [0, 1]\n"),
    );
}

fn compared(folder: &Path, args: &[&str]) -> Value {
    let output = runner(folder)
        .arg("compare")
        .args(args)
        .args(["--format", "json"])
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sizes(found: &Value) -> Vec<u64> {
    let groups = found["groups"].as_array().unwrap();
    groups
        .iter()
        .map(|group| group["n"].as_u64().unwrap())
        .collect()
}

fn table(folder: &Path, file: &str) -> DataFrame {
    let file = fs::File::open(folder.join(file)).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

#[test]
fn runs_that_differ_in_more_than_the_seed_are_never_averaged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    seeds(folder);
    run(folder, &["a.toml"]);
    let ended = run(folder, &["a.toml", "--set", "training.batch_size=8"]);
    assert!(
        ended.contains("2 runs of earlier forms of this spec"),
        "{ended}"
    );

    let now = compared(folder, &["results/a"]);
    assert_eq!(sizes(&now), [2]);
    assert_eq!(
        now["left_out"],
        json!({ "runs": 2, "differ_in": ["training.batch_size"] })
    );
    let all = compared(folder, &["results/a", "--all"]);
    assert_eq!(sizes(&all), [2, 2]);
    assert!(
        !all["groups"][0]["point"]["training.batch_size"].is_null(),
        "{all}"
    );
    // A key in which only the earlier runs differ asks for them.
    assert_eq!(
        sizes(&compared(
            folder,
            &["results/a", "--by", "training.batch_size"]
        )),
        [2, 2]
    );
    let earlier = compared(folder, &["results/a", "--where", "training.batch_size=32"]);
    assert_eq!(sizes(&earlier), [2]);
    let shown = run(folder, &["compare", "results/a"]);
    assert!(
        shown.contains("left out: 2 runs of earlier forms of the spec"),
        "{shown}"
    );
    let report = fs::read_to_string(folder.join("results/a/report.html")).unwrap();
    assert!(!report.contains("of 4 runs"));
}

#[test]
fn other_photos_under_the_same_path_are_another_setting() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let photos = |shade: u8| {
        for (class, grey) in [("cat", shade), ("dog", 255 - shade)] {
            let place = folder.join("photos").join(class);
            fs::create_dir_all(&place).unwrap();
            for name in ["a.png", "b.png", "c.png", "d.png"] {
                let image = image::RgbImage::from_pixel(8, 8, image::Rgb([grey; 3]));
                image.save(place.join(name)).unwrap();
            }
        }
    };
    let spec = SMALL.replace(
        "name = \"digits\"\ntrain_limit = 60\ntest_limit = 20",
        "name = \"image_folder\"\npath = \"photos\"\nvalidation_split = 0.25",
    );
    write(
        folder,
        "a.toml",
        &format!("{spec}\n[sweep.axes]\nseed = [0, 1]\n"),
    );
    photos(0);
    run(folder, &["a.toml"]);
    photos(40);
    run(folder, &["a.toml"]);
    let now = compared(folder, &["results/a"]);
    assert_eq!(sizes(&now), [2]);
    assert_eq!(
        now["left_out"]["differ_in"],
        json!(["contents of dataset.path"])
    );
    let all = compared(folder, &["results/a", "--all"]);
    assert_eq!((sizes(&all), &all["test_sets"]), (vec![2, 2], &json!(2)));
}

#[test]
fn different_test_sets_have_no_common_best() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, classes) in [("low", "[0, 1, 2, 3, 4]"), ("high", "[5, 6, 7, 8, 9]")] {
        let classes = format!("name = \"digits\"\nclasses = {classes}");
        let spec = SMALL.replace("name = \"digits\"", &classes);
        write(
            folder,
            &format!("{name}.toml"),
            &format!("{spec}\n[sweep.axes]\nseed = [0, 1]\n"),
        );
        run(folder, &[&format!("{name}.toml")]);
    }
    let both = compared(folder, &["results"]);
    assert_eq!((sizes(&both), &both["test_sets"]), (vec![2, 2], &json!(2)));
    for group in both["groups"].as_array().unwrap() {
        assert!(group["p_value"].is_null(), "{both}");
    }
    // Not even where the key of the groups is the same for both.
    assert_eq!(
        sizes(&compared(folder, &["results", "--by", "training.epochs"])),
        [2, 2]
    );
    let shown = run(folder, &["compare", "results"]);
    assert!(
        shown.contains("measured on 2 different sets of images"),
        "{shown}"
    );
    // What does not depend on the images is ranked for all.
    assert_eq!(
        compared(folder, &["results", "--metric", "seconds"])["test_sets"],
        1
    );
}

#[test]
fn a_copy_of_a_folder_does_not_count_twice() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    seeds(folder);
    run(folder, &["a.toml"]);
    fs::create_dir(folder.join("results/copy")).unwrap();
    for file in ["runs.parquet", "metrics.parquet", "plan.txt"] {
        fs::copy(
            folder.join("results/a").join(file),
            folder.join("results/copy").join(file),
        )
        .unwrap();
    }
    let by = compared(folder, &["results", "--by", "training.epochs"]);
    assert_eq!(sizes(&by), [2]);
}

#[test]
fn every_number_of_a_row_is_the_saved_models() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    seeds(folder);
    for restore in ["false", "true"] {
        let rule = format!(
            "training.early_stopping={{ monitor = \"val_loss\", patience = 9, restore_best = {restore} }}"
        );
        // A rate at which the loss goes up and down.
        let set = ["training.epochs=6", "optimizer.learning_rate=0.3", &rule];
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        run(folder, &[&["a.toml", "--fresh"], set.as_slice()].concat());
        let results = folder.join("results/a");
        let (runs, epochs) = (
            table(&results, "runs.parquet"),
            table(&results, "metrics.parquet"),
        );
        let text = |frame: &DataFrame, name: &str, row: usize| {
            frame
                .column(name)
                .unwrap()
                .str()
                .unwrap()
                .get(row)
                .unwrap()
                .to_owned()
        };
        let number = |frame: &DataFrame, name: &str, row: usize| {
            frame.column(name).unwrap().f64().unwrap().get(row).unwrap()
        };
        let count = |frame: &DataFrame, name: &str, row: usize| {
            frame.column(name).unwrap().i32().unwrap().get(row).unwrap()
        };
        let present = compared(folder, &["results/a", "--metric", "val_accuracy"]);
        assert_eq!(present["metric"], "val_accuracy");
        for row in 0..runs.height() {
            let spec: Value = serde_json::from_str(&text(&runs, "spec", row)).unwrap();
            let restores = spec["training"]["early_stopping"]["restore_best"] == json!(true);
            let saved = match restores {
                true => count(&runs, "best_epoch", row),
                false => count(&runs, "epochs", row),
            };
            let id = text(&runs, "run", row);
            let at = (0..epochs.height()).find(|at| {
                text(&epochs, "run", *at) == id && count(&epochs, "epoch", *at) == saved
            });
            for name in ["val_loss", "val_accuracy"] {
                assert_eq!(
                    number(&runs, name, row),
                    number(&epochs, name, at.unwrap()),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn watching_validation_images_that_are_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for class in ["train/cat", "train/dog", "val/cat", "val/dog"] {
        fs::create_dir_all(folder.join("empty").join(class)).unwrap();
    }
    for class in ["cat", "dog"] {
        let flat = folder.join("flat").join(class);
        fs::create_dir_all(&flat).unwrap();
        for (i, grey) in [0, 100, 200].into_iter().enumerate() {
            let image = image::RgbImage::from_pixel(8, 8, image::Rgb([grey; 3]));
            image.save(flat.join(format!("{i}.png"))).unwrap();
            image
                .save(
                    folder
                        .join("empty/train")
                        .join(class)
                        .join(format!("{i}.png")),
                )
                .unwrap();
        }
    }
    let spec = |dataset: &str| {
        SMALL.replace(
            "name = \"digits\"\ntrain_limit = 60\ntest_limit = 20",
            dataset,
        )
    };
    let folder_of = |name: &str, split: &str| {
        format!("name = \"image_folder\"\npath = \"{name}\"\nvalidation_split = {split}")
    };
    for dataset in [
        folder_of("flat", "0.0"),
        folder_of("flat", "1e-20"),
        folder_of("empty", "0.3"),
        "name = \"digits\"\nvalidation_split = 0".to_owned(),
        "name = \"digits\"\nvalidation_split = 1e-20".to_owned(),
    ] {
        write(folder, "a.toml", &spec(&dataset));
        for (set, key) in [
            (
                "training.early_stopping={ patience = 2 }",
                "training.early_stopping.monitor",
            ),
            (
                "optimizer.schedule={ kind = \"plateau\" }",
                "optimizer.schedule.monitor",
            ),
        ] {
            for command in [&["check", "a.toml"][..], &["a.toml"]] {
                let args = [command, &["--set", set]].concat();
                let output = runner(folder).args(&args).output().unwrap();
                let said = said(&output);
                assert_eq!(output.status.code(), Some(2), "{dataset} {args:?}: {said}");
                assert!(
                    said.contains(key) && said.contains("validation images"),
                    "{said}"
                );
            }
        }
        let watching = "training.early_stopping={ monitor = \"loss\", patience = 2 }";
        run(folder, &["check", "a.toml", "--set", watching]);
    }
}

#[test]
fn the_same_point_in_other_words_is_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "a.toml", SMALL);
    let axis = |key: &str, values: &str| format!("sweep.axes.\"{key}\"=[{values}]");
    for (key, values) in [
        ("freeze.through", "\"none\", 0"),
        ("freeze.through", "0, 1"),
        ("freeze.through", "\"all\", \"fire9\""),
        ("freeze.through", "2, \"conv1\""),
        ("optimizer.learning_rate", "1e-3, 0.001"),
        ("optimizer.learning_rate", "1, 1.0"),
        ("training.label_smoothing", "0, 0.0"),
        ("head.1.units", "10, \"classes\""),
        ("dataset.classes", "[0, 1], [\"0\", 1]"),
        (
            "optimizer",
            "{ name = \"sgd\" }, { name = \"sgd\", momentum = 0.0 }",
        ),
    ] {
        let output = runner(folder)
            .args(["check", "a.toml", "--set", &axis(key, values)])
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{key} {values}: {said}");
        assert!(
            said.contains("twice") || said.contains("are the same"),
            "{key} {values}: {said}"
        );
    }
    run(
        folder,
        &["a.toml", "--set", &axis("freeze.through", "\"none\"")],
    );
    let again = run(folder, &["a.toml", "--set", &axis("freeze.through", "0")]);
    assert!(again.contains("the run is finished already"), "{again}");
}

#[test]
fn a_column_has_the_type_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "a.toml", SMALL);
    let dtype = |name: &str| {
        let runs = table(&folder.join("results/a"), "runs.parquet");
        runs.column(name).unwrap().dtype().to_string()
    };
    for values in ["1", "0.5, 1"] {
        let axis = format!("sweep.axes.\"optimizer.learning_rate\"=[{values}]");
        run(folder, &["a.toml", "--set", &axis]);
        assert_eq!(dtype("optimizer.learning_rate"), "f64", "{values}");
    }
    assert_eq!(table(&folder.join("results/a"), "runs.parquet").height(), 2);
}

#[test]
fn a_run_without_a_sweep_has_the_values_of_its_spec() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "a.toml", SMALL);
    run(folder, &["a.toml"]);
    let axis = "sweep.axes.\"optimizer.learning_rate\"=[0.01]";
    run(folder, &["a.toml", "--set", axis]);
    for file in ["runs.parquet", "metrics.parquet"] {
        let rates = table(&folder.join("results/a"), file);
        let rates = rates
            .column("optimizer.learning_rate")
            .unwrap()
            .f64()
            .unwrap()
            .clone();
        let mut rates: Vec<Option<f64>> = rates.iter().collect();
        rates.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(rates, [Some(0.001), Some(0.01)], "{file}");
    }
}
