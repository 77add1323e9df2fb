//! A process that is paused at any moment, taken for dead, and wakes when another has done its work: it writes over
//! nothing, and what is left is what an undisturbed run leaves.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use runner::rng::{Purpose, Stream};

use crate::common::survival::{Experiment, assert_same};
use crate::common::{said, signal};

/// Runs with checkpoints in every batch, two of them over features.
const SWEEP: &str = r#"
[dataset]
name = "digits"
train_limit = 60
test_limit = 20

[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32

[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"

[training]
epochs = 2
batch_size = 24
checkpoint_minutes = 0

[sweep.axes]
"freeze.through" = ["all", "fire7"]
seed = [0, 1]
"#;

/// A process elsewhere that is silent for six tenths of a second counts as dead.
const PATIENCE: &str = "0.01";

/// Rounds; `RUNNER_PAUSES=100` makes it longer.
fn pauses() -> usize {
    let wanted = std::env::var("RUNNER_PAUSES");
    wanted.map_or(4, |pauses| pauses.parse().unwrap())
}

/// The library that stops a process at a call.
fn library(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/paused/stop.c");
    let library = folder.join("stop.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library);
    assert!(compiler.arg(source).arg("-ldl").status().unwrap().success());
    library
}

fn patient(experiment: &Experiment) -> Command {
    let mut command = experiment.command();
    command.env("RUNNER_PATIENCE", PATIENCE);
    command
}

/// One that believes to be elsewhere.
fn elsewhere(experiment: &Experiment, library: &Path) -> Command {
    let mut command = patient(experiment);
    command
        .env("LD_PRELOAD", library)
        .env("STOP_UNDER", "results");
    command
}

/// Waits until it is stopped; gives whether it is, or has ended.
fn is_stopped(child: &mut Child) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        if stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.starts_with(" T"))
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn end_well(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

/// The contents of every file of the runs.
fn contents(experiment: &Experiment) -> Vec<(PathBuf, Vec<u8>)> {
    let files = experiment.runs().into_iter().flat_map(|run| {
        let mut files: Vec<PathBuf> = fs::read_dir(run)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        files
    });
    files
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect()
}

/// What happens between a pause and the end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wakes {
    /// After the other process has done everything.
    Late,
    /// While it works, after so long.
    Amid(Duration),
}

/// `sleeper` is paused already, or has ended: another takes over, and it wakes.
fn round(experiment: &Experiment, mut sleeper: Child, wakes: Wakes, whole: &Experiment) {
    let sleeps = is_stopped(&mut sleeper);
    let other = patient(experiment).spawn().unwrap();
    match wakes {
        Wakes::Late => {
            end_well(other);
            assert_same_but_leftovers(experiment, whole);
            let before = contents(experiment);
            if sleeps {
                signal("-CONT", &sleeper);
            }
            end_well(sleeper);
            let unfinished = |path: &Path| path.extension().is_some_and(|e| e == "tmp");
            let after = contents(experiment);
            let kept = before
                .into_iter()
                .filter(|(path, _)| !unfinished(path) && !is_claim(path));
            assert!(kept.eq(after), "the sleeper has changed a run");
        }
        Wakes::Amid(time) => {
            std::thread::sleep(time);
            if sleeps {
                signal("-CONT", &sleeper);
            }
            end_well(sleeper);
            end_well(other);
        }
    }
    experiment.finish();
    assert_same(experiment, whole);
}

fn is_claim(path: &Path) -> bool {
    path.file_name()
        .unwrap()
        .to_string_lossy()
        .starts_with("claim-")
}

/// Every model is there and whole, whatever the sleeper still holds.
fn assert_same_but_leftovers(found: &Experiment, expected: &Experiment) {
    for (found, expected) in found.runs().iter().zip(expected.runs()) {
        let model = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
        assert!(model(found) == model(&expected), "{}", found.display());
    }
}

fn wakes(moments: &mut Stream, time: Duration) -> Wakes {
    match moments.uniform() < 0.5 {
        true => Wakes::Late,
        false => Wakes::Amid(Duration::from_millis(600) + time.mul_f32(moments.uniform())),
    }
}

#[test]
fn a_process_whose_run_was_finished_while_it_was_paused_says_so() {
    let tmp = tempfile::tempdir().unwrap();
    let library = library(tmp.path());
    let spec = SWEEP.replace("epochs = 2", "epochs = 12");
    let spec = spec
        .replace("[0, 1]", "[0]")
        .replace("[\"all\", \"fire7\"]", "[\"fire7\"]");
    let experiment = Experiment::new(&spec);
    let sleeper = elsewhere(&experiment, &library).spawn().unwrap();
    while experiment.checkpoints().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    signal("-STOP", &sleeper);
    let taken_over = end_well(patient(&experiment).spawn().unwrap());
    assert!(taken_over.contains("is taken over"), "{taken_over}");
    let before = contents(&experiment);
    signal("-CONT", &sleeper);
    let text = end_well(sleeper);
    assert!(text.contains("over while this one was paused"), "{text}");
    let unfinished = |path: &Path| path.extension().is_some_and(|e| e == "tmp");
    let kept = before
        .into_iter()
        .filter(|(path, _)| !unfinished(path) && !is_claim(path));
    assert!(
        kept.eq(contents(&experiment)),
        "the sleeper has changed the run"
    );
}

#[test]
fn paused_at_any_call_a_process_that_was_taken_over_writes_over_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let library = library(tmp.path());
    let (whole, time) = Experiment::uninterrupted(SWEEP);
    let counted = Experiment::new(SWEEP);
    let count = tmp.path().join("count");
    let mut command = elsewhere(&counted, &library);
    end_well(command.env("STOP_COUNT", &count).spawn().unwrap());
    let calls: f32 = fs::read_to_string(count).unwrap().parse().unwrap();
    assert!(calls > 200.0, "{calls} calls are seen");
    let mut moments = Stream::new(5, Purpose::Sweep, 0, 0);
    for _ in 0..pauses() {
        let at = 1 + (calls * moments.uniform()) as usize;
        let wakes = wakes(&mut moments, time);
        println!("paused at call {at}, wakes {wakes:?}");
        let experiment = Experiment::new(SWEEP);
        let mut command = elsewhere(&experiment, &library);
        let sleeper = command.env("STOP_AT", at.to_string()).spawn().unwrap();
        round(&experiment, sleeper, wakes, &whole);
    }
}

#[test]
fn paused_at_any_moment_a_process_that_was_taken_over_writes_over_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let library = library(tmp.path());
    let (whole, time) = Experiment::uninterrupted(SWEEP);
    let mut moments = Stream::new(6, Purpose::Sweep, 0, 0);
    for _ in 0..pauses().div_ceil(2) {
        let wakes = wakes(&mut moments, time);
        let experiment = Experiment::new(SWEEP);
        let mut sleeper = elsewhere(&experiment, &library).spawn().unwrap();
        std::thread::sleep(time.mul_f32(moments.uniform()));
        if sleeper.try_wait().unwrap().is_none() {
            signal("-STOP", &sleeper);
        }
        round(&experiment, sleeper, wakes, &whole);
    }
}
