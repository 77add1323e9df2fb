//! Disks that are full, read-only or gone. A full disk is a limit on the length of written files.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{TAG, all_files, assert_says, runs, texts, wait_until, weights_file};
use crate::common::server::{Answer, Server};
use crate::common::{SMALL, runner, said, write};

/// The binary, which can write files of up to `blocks` of 512 bytes; a write beyond fails, as on a full disk.
fn limited(folder: &Path, blocks: u32) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_runner")])
        .current_dir(folder)
        .env("RUNNER_CACHE", folder.join("cache"))
        .env("NO_COLOR", "1");
    command
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

#[test]
fn a_model_that_does_not_fit_on_the_disk_fails_its_run_and_is_done_again_when_there_is_room() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let full = output(limited(tmp.path(), 1000).arg("small.toml"));
    assert_eq!(full.status.code(), Some(1));
    assert_says(&said(&full), &["model.safetensors", "File too large"]);
    let table = runs(tmp.path());
    assert_eq!(texts(&table, "status"), ["failed"]);
    assert_says(&texts(&table, "error")[0], &["model.safetensors"]);
    let left = all_files(&tmp.path().join("results"));
    let is_rest = |path: &PathBuf| path.extension().is_some_and(|e| e == "tmp");
    assert!(!left.iter().any(is_rest), "{left:?}");

    runner(tmp.path()).arg("small.toml").assert().success();
    assert_eq!(texts(&runs(tmp.path()), "status"), ["finished"]);
}

#[test]
fn a_disk_without_room_for_the_records_is_noticed_before_anything_is_trained() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let full = output(limited(tmp.path(), 0).arg("small.toml"));
    assert_eq!(full.status.code(), Some(1));
    assert_says(
        &said(&full),
        &["results/small/spec.toml cannot be written", "--results"],
    );
    assert!(!tmp.path().join("results/small/runs").exists());
}

#[test]
fn predictions_that_could_not_be_written_are_reported_at_the_end_and_training_continues() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let full = runner(tmp.path())
        // One at a time, so that the first table is the first run's.
        .args(["small.toml", "--jobs", "1"])
        .args(["--set", "sweep.axes.seed=[0, 1]"])
        .env("RUNNER_FAIL_POINT", "predictions.parquet:1:full")
        .assert()
        .code(1)
        .get_output()
        .clone();
    let table = runs(tmp.path());
    assert_eq!(texts(&table, "status"), ["finished"; 2]);
    let [first, second] = &texts(&table, "run")[..] else {
        panic!("two runs are planned");
    };
    let text = said(&full);
    let without = format!("without predictions are {first}, which finished; --fresh");
    assert_says(
        &text,
        &["predictions.parquet", "training continues", &without],
    );
    let folder = tmp.path().join("results/small/runs").join(second);
    assert!(folder.join("predictions.parquet").is_file());
}

#[test]
fn finished_results_stay_as_they_are_on_a_full_disk() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    runner(tmp.path()).arg("small.toml").assert().success();
    let results = tmp.path().join("results/small");
    let contents = || -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = all_files(&results.join("runs"));
        files.push(results.join("runs.parquet"));
        files.push(results.join("metrics.parquet"));
        files.sort();
        files
            .into_iter()
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    };
    let before = contents();
    let more = ["small.toml", "--set", "sweep.axes.seed=[0, 1]"];
    let full = output(limited(tmp.path(), 0).args(more));
    assert_eq!(full.status.code(), Some(1));
    assert!(contents() == before);
    runner(tmp.path()).args(more).assert().success();
    // The run that was there is one of the sweep's two.
    assert_eq!(texts(&runs(tmp.path()), "status"), ["finished"; 2]);
}

#[test]
fn a_download_that_does_not_fit_names_the_file_and_resumes_when_there_is_room() {
    let tmp = tempfile::tempdir().unwrap();
    let file = weights_file(30_000);
    let server = Server::start(move |r| Answer::file(r, &file, TAG));
    let spec = SMALL
        .replace("squeezenet1_1", "vgg11")
        .replace("\"random\"", "\"imagenet\"");
    write(tmp.path(), "small.toml", &spec);
    let run = |mut command: Command| {
        command.arg("small.toml").env("HF_ENDPOINT", server.url(""));
        let result = output(&mut command);
        assert_eq!(result.status.code(), Some(1));
        said(&result)
    };
    let full = run(limited(tmp.path(), 1000));
    assert_says(&full, &["cannot write", ".part: File too large"]);
    // Whole, but for no network.
    assert_says(&run(limited(tmp.path(), 1_000_000)), &["has shape [30000]"]);
    let requests = server.requests();
    let ranges = |i: usize| requests[i].header("range").unwrap().to_owned();
    assert_eq!(requests.len(), 4);
    assert_ne!(ranges(2), ranges(3));
}

#[test]
fn a_read_only_results_folder_is_refused_before_anything_is_trained() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let folder = read_only(tmp.path());
    let results = folder.to_str().unwrap();
    let output = runner(tmp.path())
        .args(["small.toml", "--results", results])
        .assert()
        .code(1)
        .get_output()
        .clone();
    let says = [
        results,
        "cannot be written",
        "choose another folder with --results",
    ];
    assert_says(&said(&output), &says);
}

/// A folder that this user cannot write; for root, who can write any but the system's.
fn read_only(near: &Path) -> PathBuf {
    let folder = near.join("read-only");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    match fs::write(folder.join("a"), "") {
        Ok(()) => PathBuf::from("/sys"),
        Err(_) => folder,
    }
}

#[test]
fn a_results_folder_that_vanishes_ends_the_sweep_and_what_was_finished_is_kept() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let sweep = ["small.toml", "--set", "sweep.axes.seed=[0, 1, 2, 3, 4, 5]"];
    let running = Command::new(env!("CARGO_BIN_EXE_runner"))
        .current_dir(tmp.path())
        .args(sweep)
        .env("RUNNER_CACHE", tmp.path().join("cache"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let results = tmp.path().join("results");
    let models = || -> Vec<PathBuf> {
        let runs = results.join("small/runs");
        if !runs.is_dir() {
            return Vec::new();
        }
        let is_model = |path: &PathBuf| path.ends_with("model.safetensors");
        all_files(&runs).into_iter().filter(is_model).collect()
    };
    wait_until("the first run has its model", || !models().is_empty());
    // As when a disk is taken away: the folder is gone, and none can be made in its place.
    let away = tmp.path().join("away");
    fs::rename(&results, &away).unwrap();
    fs::write(&results, "").unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_says(&said(&output), &["results/small", "cannot be written"]);

    fs::remove_file(&results).unwrap();
    fs::rename(&away, &results).unwrap();
    let first = models().remove(0);
    let bytes = fs::read(&first).unwrap();
    runner(tmp.path()).args(sweep).assert().success();
    assert!(
        texts(&runs(tmp.path()), "status")
            .iter()
            .all(|status| status == "finished")
    );
    assert_eq!(models().len(), 6);
    assert!(fs::read(&first).unwrap() == bytes);
}
