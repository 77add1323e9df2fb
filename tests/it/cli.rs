//! Whole experiments through the real binary.

use std::fs::{self, File};
use std::path::Path;

use polars::prelude::*;

use crate::common::{SMALL, runner, write};

fn table(folder: &Path, name: &str) -> DataFrame {
    ParquetReader::new(File::open(folder.join(name)).unwrap())
        .finish()
        .unwrap()
}

/// The only run's folder of an experiment's results.
fn only_run(results: &Path) -> std::path::PathBuf {
    let mut runs = fs::read_dir(results.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let first = runs.next().unwrap();
    assert!(
        runs.next().is_none(),
        "more than one run in {}",
        results.display()
    );
    first
}

fn strings(table: &DataFrame, column: &str) -> Vec<String> {
    let column = table.column(column).unwrap().str().unwrap();
    column
        .iter()
        .map(|value| value.unwrap_or("").to_owned())
        .collect()
}

#[test]
fn a_run_leaves_everything_the_design_names() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", SMALL);
    runner(folder.path()).arg("small.toml").assert().success();
    let results = folder.path().join("results/small");
    for file in [
        "spec.toml",
        "metrics.parquet",
        "runs.parquet",
        "charts/curves.svg",
    ] {
        assert!(results.join(file).is_file(), "{file}");
    }
    let run = only_run(&results);
    for file in [
        "model.safetensors",
        "spec.toml",
        "log.jsonl",
        "splits.parquet",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let metrics = table(&results, "metrics.parquet");
    let columns: Vec<&str> = metrics
        .get_column_names()
        .into_iter()
        .map(|name| name.as_str())
        .collect();
    for column in [
        "run",
        "epoch",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "seconds",
        "images_per_second",
        "peak_memory_mib",
    ] {
        assert!(columns.contains(&column), "{column} in {columns:?}");
    }
    assert_eq!(metrics.height(), 1);
    let runs = table(&results, "runs.parquet");
    assert_eq!(strings(&runs, "status"), ["finished"]);
    assert_eq!(strings(&runs, "device"), ["cpu"]);
    assert!(
        runs.column("test_accuracy")
            .unwrap()
            .f64()
            .unwrap()
            .get(0)
            .is_some()
    );
}

#[test]
fn a_second_start_does_nothing_and_fresh_does_it_again() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", SMALL);
    runner(folder.path()).arg("small.toml").assert().success();
    let model = only_run(&folder.path().join("results/small")).join("model.safetensors");
    let bytes = fs::read(&model).unwrap();
    let log = || {
        fs::read_to_string(model.with_file_name("log.jsonl"))
            .unwrap()
            .matches("\"started\"")
            .count()
    };
    runner(folder.path()).arg("small.toml").assert().success();
    assert_eq!(log(), 1);
    runner(folder.path())
        .args(["small.toml", "--fresh"])
        .assert()
        .success();
    assert_eq!(fs::read(&model).unwrap(), bytes);
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let model = |threads: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "small.toml", SMALL);
        runner(folder.path())
            .env("RAYON_NUM_THREADS", threads)
            .args(["small.toml", "--set", "freeze.through=none"])
            .assert()
            .success();
        fs::read(only_run(&folder.path().join("results/small")).join("model.safetensors")).unwrap()
    };
    assert!(model("1") == model("2"));
}

#[test]
fn the_seed_decides_the_result() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", SMALL);
    runner(folder.path())
        .args(["small.toml", "--set", "sweep.axes.seed=[1, 2]"])
        .assert()
        .success();
    let runs = fs::read_dir(folder.path().join("results/small/runs")).unwrap();
    let models: Vec<Vec<u8>> = runs
        .map(|run| fs::read(run.unwrap().path().join("model.safetensors")).unwrap())
        .collect();
    assert_eq!(models.len(), 2);
    assert!(models[0] != models[1]);
}

#[test]
fn a_sweep_has_a_column_and_a_chart_for_every_axis() {
    let folder = tempfile::tempdir().unwrap();
    let axes = "[sweep.axes]\n\"freeze.through\" = [\"all\", 5]\nseed = [0, 1]\n";
    write(folder.path(), "small.toml", &format!("{SMALL}{axes}"));
    runner(folder.path()).arg("small.toml").assert().success();
    let results = folder.path().join("results/small");
    let runs = table(&results, "runs.parquet");
    assert_eq!(
        strings(&runs, "freeze.through"),
        ["all", "all", "fire3", "fire3"]
    );
    let seeds: Vec<Option<i64>> = runs.column("seed").unwrap().i64().unwrap().iter().collect();
    assert_eq!(seeds, [Some(0), Some(1), Some(0), Some(1)]);
    for chart in ["compare_freeze.through.svg", "compare_seed.svg"] {
        assert!(results.join("charts").join(chart).is_file(), "{chart}");
    }
}

#[test]
fn a_failing_run_is_recorded_and_the_next_one_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let axes =
        "[optimizer]\nname = \"sgd\"\n[sweep.axes]\n\"optimizer.learning_rate\" = [1e6, 0.01]\n";
    let spec = SMALL
        .replace("epochs = 1", "epochs = 1\nbatch_size = 8")
        .replace("through = \"all\"", "through = \"none\"");
    write(folder.path(), "small.toml", &format!("{spec}{axes}"));
    let output = runner(folder.path())
        .arg("small.toml")
        .assert()
        .code(1)
        .get_output()
        .stdout
        .clone();
    let runs = table(&folder.path().join("results/small"), "runs.parquet");
    assert_eq!(strings(&runs, "status"), ["failed", "finished"]);
    assert!(strings(&runs, "error")[0].contains("learning rate 1e6"));
    assert!(String::from_utf8_lossy(&output).contains("learning rate 1e6"));
}

#[test]
fn an_experiment_runs_the_one_it_builds_on_once_and_takes_its_backbone() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "first.toml", SMALL);
    let second = SMALL.replace(
        "weights = \"random\"",
        "weights = { experiment = \"first.toml\" }",
    );
    write(
        folder.path(),
        "second.toml",
        &second.replace("train_limit = 60", "train_limit = 50"),
    );
    runner(folder.path()).arg("second.toml").assert().success();
    runner(folder.path()).arg("second.toml").assert().success();
    let backbone = |name: &str| {
        let run = only_run(&folder.path().join("results").join(name));
        let file = runner::model::weights::read(&run.join("model.safetensors")).unwrap();
        file.tensors["fire2.squeeze.weight"].clone()
    };
    // Everything is frozen, so the second keeps what it took.
    assert_eq!(backbone("first"), backbone("second"));
    let log = fs::read_to_string(only_run(&folder.path().join("results/first")).join("log.jsonl"))
        .unwrap();
    assert_eq!(log.matches("\"started\"").count(), 1);
}

#[test]
fn experiments_that_build_on_each_other_in_a_circle_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let on = |other: &str| SMALL.replace("\"random\"", &format!("{{ experiment = {other:?} }}"));
    write(folder.path(), "a.toml", &on("b.toml"));
    write(folder.path(), "b.toml", &on("a.toml"));
    let output = runner(folder.path())
        .arg("a.toml")
        .assert()
        .code(2)
        .get_output()
        .stderr
        .clone();
    assert!(String::from_utf8_lossy(&output).contains("builds on itself"));
    assert!(!folder.path().join("results").exists());
}

#[test]
fn check_shows_the_plan_and_trains_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/vgg16_ft.toml");
    let output = runner(folder.path())
        .arg("check")
        .arg(experiment)
        .assert()
        .success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    // Keras: VGG16(include_top=False, input_shape=(32, 32, 3)) with the lesson's head has 14,849,610
    // parameters; 7,213,834 of them are trainable behind block4_pool, 512 are moving statistics.
    for expected in [
        "block4_pool",
        "14,849,610",
        "7,213,834",
        "(None, 1, 1, 512)",
        "frozen",
        "MiB",
    ] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }
    assert!(!folder.path().join("results").exists());
}

#[test]
fn every_shipped_experiment_passes_check() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    for class in ["cat", "dog"] {
        fs::create_dir_all(photos.join(class)).unwrap();
        for i in 0..10 {
            let photo = photos.join(class).join(format!("{i}.png"));
            image::RgbImage::new(8, 8).save(photo).unwrap();
        }
    }
    let rows = (0..10).map(|i| format!("{i},s{},{}\n", i % 5, ["a|b", "b", ""][i % 3]));
    let table = ["id,series,labels\n".to_owned()].into_iter().chain(rows);
    write(folder.path(), "train.csv", &table.collect::<String>());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let mut command = runner(folder.path());
            command.arg("check").arg(&path);
            let of_photos = ["image_folder.toml", "photos.toml", "two_stages.toml"];
            if of_photos.iter().any(|name| path.ends_with(name)) {
                command.args(["--set", "dataset.path=photos"]);
            }
            if path.ends_with("competition.toml") {
                command.args(["--set", "dataset.path=train.csv"]);
                command.args(["--set", "dataset.images=photos/cat"]);
            }
            // Its weights are published nowhere as safetensors, which check says.
            if path.ends_with("squeezenet_cifar10.toml") {
                command.args(["--set", "backbone.weights=random"]);
            }
            command.assert().success();
        }
    }
}

#[test]
fn a_wrong_spec_ends_with_status_2_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "wrong.toml",
        &SMALL.replace("epochs", "epocs"),
    );
    let output = runner(folder.path())
        .arg("wrong.toml")
        .assert()
        .code(2)
        .get_output()
        .stderr
        .clone();
    let text = String::from_utf8_lossy(&output).into_owned();
    assert!(
        text.contains("wrong.toml:23:1") && text.contains("did you mean `epochs`"),
        "{text}"
    );
    assert!(!folder.path().join("results").exists());
}

#[test]
fn quiet_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", SMALL);
    runner(folder.path())
        .args(["small.toml", "-q"])
        .assert()
        .success()
        .stdout("")
        .stderr("");
}

#[test]
fn a_damaged_or_missing_table_is_rebuilt_and_damage_is_said() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", SMALL);
    runner(folder.path()).arg("small.toml").assert().success();
    let results = folder.path().join("results/small");
    for file in ["runs.parquet", "metrics.parquet", "predictions.parquet"] {
        let path = results.join(file);
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        let middle = whole.len() / 2;
        damaged[middle..].fill(0xff);
        for found in [Some(&damaged), None] {
            match found {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            // Whoever reads needs no table.
            runner(folder.path())
                .args(["compare", "results/small"])
                .assert()
                .success();
            let output = runner(folder.path()).arg("small.toml").assert().success();
            let text = String::from_utf8(output.get_output().stderr.clone()).unwrap();
            let is_said = text.contains(&format!("{file} is damaged"));
            let is_told = found.is_some() && file != "predictions.parquet";
            assert_eq!(is_said, is_told, "{text}");
            assert!(!text.contains("run 1/1 starts"), "{text}");
            assert!(fs::read(&path).unwrap() == whole, "{file}");
        }
    }
}

#[test]
fn without_a_network_the_message_says_where_the_file_comes_from_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "c.toml", &SMALL.replace("digits", "cifar10"));
    let output = runner(folder.path())
        .env("HF_ENDPOINT", "http://127.0.0.1:1")
        .arg("c.toml")
        .assert()
        .code(1)
        .get_output()
        .stderr
        .clone();
    let text = String::from_utf8(output).unwrap();
    for part in [
        "train-00000-of-00001.parquet is missing",
        "http://127.0.0.1:1/datasets/uoft-cs/cifar10",
        "cache/datasets/cifar10",
        "dataset.path",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
#[cfg(unix)]
fn without_a_home_folder_what_needs_no_download_runs() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", SMALL);
    let path = std::env::var_os("PATH").unwrap();
    for home in [None, Some("")] {
        let mut command = runner(folder.path());
        command.env_clear().env("PATH", &path).arg("small.toml");
        command.args(["--fresh"]);
        if let Some(home) = home {
            command.env("HOME", home);
        }
        command.assert().success();
    }
}
