//! Trained models used alone, through the real binary: `runner evaluate`, `runner predict`, `predictions.parquet`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars::prelude::*;
use serde_json::Value;

use crate::common::{SMALL, runner, write};

/// The folder of the only run of `spec`, which was run as `e.toml`.
fn trained(folder: &Path, spec: &str) -> PathBuf {
    write(folder, "e.toml", spec);
    runner(folder).arg("e.toml").assert().success();
    let mut runs = fs::read_dir(folder.join("results/e/runs")).unwrap();
    runs.next().unwrap().unwrap().path()
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let output = runner(folder)
        .args(args)
        .args(["--format", "json"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What it says on standard error, and its exit status.
fn fails(folder: &Path, args: &[&str]) -> (String, i32) {
    let output = runner(folder).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (said, output.status.code().unwrap())
}

fn table(path: &Path) -> DataFrame {
    ParquetReader::new(File::open(path).unwrap())
        .finish()
        .unwrap()
}

fn float(table: &DataFrame, column: &str) -> f64 {
    table.column(column).unwrap().f64().unwrap().get(0).unwrap()
}

/// Photos of two classes, dark and bright, as JPEG-free PNG files of `size` pixels.
fn photos(folder: &Path, sizes: [u32; 2]) {
    for (class, base) in [("dark", 20u8), ("bright", 200)] {
        for i in 0..6u8 {
            let size = sizes[usize::from(i) % 2];
            let shade = image::Rgb([base, base + i, base + 2 * i]);
            let path = folder.join(class).join(format!("{i}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            image::RgbImage::from_pixel(size, size, shade)
                .save(path)
                .unwrap();
        }
    }
}

#[test]
fn evaluating_a_moved_run_gives_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), SMALL);
    let moved = folder.path().join("elsewhere");
    fs::rename(&run, &moved).unwrap();
    let found = json(folder.path(), &["evaluate", "elsewhere"]);
    let recorded = table(&folder.path().join("results/e/runs.parquet"));
    for (key, column) in [("loss", "test_loss"), ("accuracy", "test_accuracy")] {
        assert_eq!(
            found[key].as_f64().unwrap(),
            float(&recorded, column),
            "{key}"
        );
    }
    assert_eq!(found["images"], 20);
    let per_class = found["per_class"].as_array().unwrap();
    let images = per_class
        .iter()
        .map(|class| class["images"].as_u64().unwrap());
    assert_eq!((per_class.len(), images.sum::<u64>()), (10, 20));
    for speed in ["images_per_second", "forward_images_per_second"] {
        assert!(found[speed].as_f64().unwrap() > 0.0, "{speed}");
    }
    assert!(found["forward_seconds"].as_f64() <= found["seconds"].as_f64());

    let limited = json(
        folder.path(),
        &["evaluate", "elsewhere", "--set", "dataset.test_limit=7"],
    );
    assert_eq!(limited["images"], 7);
}

#[test]
fn every_test_image_has_its_prediction_and_they_make_up_the_accuracy() {
    let folder = tempfile::tempdir().unwrap();
    trained(
        folder.path(),
        &format!("{SMALL}\n[sweep.axes]\nseed = [1, 2]\n"),
    );
    let runs = table(&folder.path().join("results/e/runs.parquet"));
    let predictions = table(&folder.path().join("results/e/predictions.parquet"));
    assert_eq!(predictions.height(), 40);
    let text = |column: &str| {
        let column = predictions.column(column).unwrap().str().unwrap();
        column
            .iter()
            .map(|v| v.unwrap_or("").to_owned())
            .collect::<Vec<_>>()
    };
    let (run, label, predicted) = (text("run"), text("label"), text("predicted"));
    let ids = runs.column("run").unwrap().str().unwrap();
    let accuracies = runs.column("test_accuracy").unwrap().f64().unwrap();
    for (id, accuracy) in ids.iter().zip(accuracies.iter()) {
        let rows: Vec<usize> = (0..40).filter(|&i| run[i] == id.unwrap()).collect();
        let hits = rows.iter().filter(|&&i| label[i] == predicted[i]).count();
        assert_eq!(rows.len(), 20);
        assert_eq!(hits as f64 / 20.0, accuracy.unwrap());
    }
    let pictures = predictions.column("image").unwrap().binary().unwrap();
    for i in 0..40 {
        assert_eq!(
            pictures.get(i).is_some(),
            label[i] != predicted[i],
            "row {i}"
        );
    }
}

#[test]
fn without_a_test_part_the_validation_images_have_their_predictions_and_are_called_so() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"), [40, 48]);
    let spec = SMALL.replace(
        "name = \"digits\"",
        "name = \"image_folder\"\npath = \"photos\"\nvalidation_split = 0.25",
    );
    trained(folder.path(), &spec);
    let results = folder.path().join("results/e");
    let predictions = table(&results.join("predictions.parquet"));
    let parts = predictions.column("part").unwrap().str().unwrap();
    let parts: Vec<&str> = parts.iter().flatten().collect();
    assert_eq!(parts, ["validation"; 3]);
    let report = fs::read_to_string(results.join("report.html")).unwrap();
    let said = report.matches("alidation images").count();
    assert!(said >= 2, "titles name the part {said} times");
    assert!(!report.contains("est images"), "no test image was seen");
}

#[test]
fn photos_are_predicted_and_evaluated_with_the_runs_own_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"), [40, 48]);
    let spec = SMALL
        .replace(
            "name = \"digits\"",
            "name = \"image_folder\"\npath = \"photos\"",
        )
        .replace("epochs = 1", "epochs = 3\nbatch_size = 4");
    let run = trained(folder.path(), &spec);
    let run = run.to_str().unwrap();
    fs::rename(folder.path().join("photos"), folder.path().join("other")).unwrap();

    let args = [
        "evaluate",
        run,
        "--set",
        "dataset.path=other",
        "--part",
        "all",
    ];
    let evaluation = json(folder.path(), &args);
    assert_eq!(evaluation["images"], 12);
    let predictions = json(
        folder.path(),
        &["predict", run, "other/dark", "other/bright/0.png"],
    );
    let images = predictions["images"].as_array().unwrap();
    assert_eq!(images.len(), 7);
    let hits = |images: &[Value], class: &str| {
        let first = |image: &Value| image["predictions"][0]["class"] == class;
        images.iter().filter(|image| first(image)).count() as f64
    };
    let dark = &evaluation["per_class"][1];
    assert_eq!(dark["class"], "dark");
    assert_eq!(
        hits(&images[..6], "dark") / 6.0,
        dark["accuracy"].as_f64().unwrap()
    );
    let sum = |image: &Value| {
        let ranked = image["predictions"].as_array().unwrap().iter();
        ranked
            .map(|r| r["probability"].as_f64().unwrap())
            .sum::<f64>()
    };
    assert!(images.iter().all(|image| (sum(image) - 1.0).abs() < 1e-6));

    let output = runner(folder.path())
        .args(["predict", run, "other/bright/0.png"])
        .output();
    let shown = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(
        shown
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("other/bright/0.png"),
        "{shown}"
    );
}

#[test]
fn what_cannot_be_applied_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), SMALL);
    let run = run.to_str().unwrap();
    photos(&folder.path().join("photos"), [8, 8]);
    write(folder.path(), "broken.jpg", "no image");
    for (args, status, expected) in [
        (
            &["evaluate", "nowhere"][..],
            2,
            "there is no model in nowhere",
        ),
        (
            &["evaluate", run, "--set", "freeze.through=none"],
            2,
            "cannot be changed now",
        ),
        (
            &["evaluate", run, "--set", "dataset.pat=x"],
            2,
            "did you mean `path`?",
        ),
        (&["evaluate", run, "--part", "validatio"], 2, "validation"),
        (
            &[
                "evaluate",
                run,
                "--part",
                "all",
                "--set",
                "dataset.name=image_folder",
                "--set",
                "dataset.path=photos",
            ],
            1,
            "a class \"bright\" that the model does not know",
        ),
        (&["predict", run, "broken.jpg"], 1, "broken.jpg"),
        (&["predict", run, "missing.png"], 1, "missing.png"),
    ] {
        let (said, found) = fails(folder.path(), args);
        assert!(said.contains(expected), "{args:?}: {said}");
        assert_eq!(found, status, "{args:?}: {said}");
    }
}

#[test]
#[cfg(unix)]
fn one_bad_image_does_not_end_the_prediction_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), SMALL);
    let run = run.to_str().unwrap();
    photos(&folder.path().join("photos"), [8, 8]);
    let dark = folder.path().join("photos/dark");
    write(&dark, "2.jpg", "no image");
    fs::create_dir(folder.path().join("empty")).unwrap();
    let pipe = folder.path().join("pipe.png");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let predicted = |args: &[&str]| {
        let mut command = runner(folder.path());
        let output = command.args(["predict", run]).args(args).output().unwrap();
        let count = String::from_utf8_lossy(&output.stdout)
            .matches(".png")
            .count();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (count, output.status.code().unwrap(), said)
    };
    // Six PNGs and one that is none.
    for (args, count, status, says) in [
        (
            &["photos/dark"][..],
            6,
            1,
            &["error: photos/dark/2.jpg: ", "on_bad_image=skip"][..],
        ),
        (
            &["photos/dark", "--set", "dataset.on_bad_image=skip"],
            6,
            0,
            &["warning: photos/dark/2.jpg: "],
        ),
        (
            &["gone.jpg", "photos/dark/0.png"],
            1,
            1,
            &["error: gone.jpg: "],
        ),
        (
            &["empty", "photos/dark/0.png"],
            1,
            1,
            &["error: empty: has no image that is read"],
        ),
        (
            &["pipe.png", "/dev/zero", "photos/dark/0.png"],
            1,
            1,
            &["error: pipe.png: is a pipe", "error: /dev/zero: "],
        ),
        (
            &["photos/dark/2.jpg", "--set", "dataset.on_bad_image=skip"],
            0,
            1,
            &["nothing was predicted"],
        ),
    ] {
        let (found, code, said) = predicted(args);
        assert_eq!((found, code), (count, status), "{args:?}: {said}");
        for part in says {
            assert!(said.contains(part), "{args:?}: {said}");
        }
    }
    let (_, _, said) = predicted(&["photos/dark"]);
    assert!(!said.contains("on_bad_image = "), "{said}");
    let json = runner(folder.path())
        .args(["predict", run, "photos/dark", "--format", "json"])
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["images"].as_array().unwrap().len(), 6);
    assert!(
        json["unreadable"][0]
            .as_str()
            .unwrap()
            .starts_with("photos/dark/2.jpg: ")
    );
}

#[test]
fn a_model_is_used_where_its_images_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"), [8, 8]);
    let dataset = "name = \"image_folder\"\npath = \"photos\"";
    let run = trained(folder.path(), &SMALL.replace("name = \"digits\"", dataset));
    let image = folder.path().join("a.png");
    fs::rename(folder.path().join("photos/dark/0.png"), &image).unwrap();
    fs::remove_dir_all(folder.path().join("photos")).unwrap();
    let run = run.strip_prefix(folder.path()).unwrap();
    runner(folder.path())
        .arg("predict")
        .arg(run)
        .arg("a.png")
        .assert()
        .success();
    for set in ["training.device=cpu", "dataset.on_bad_image=skip"] {
        runner(folder.path())
            .arg("predict")
            .arg(run)
            .args(["a.png", "--set", set])
            .assert()
            .success();
    }
}
