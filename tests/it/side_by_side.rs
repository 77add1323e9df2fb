//! Runs done at a time, by one process or by several: each is done once, and what is left is what one after the
//! other leaves.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, SystemTime};

use runner::rng::{Purpose, Stream};

use crate::common::survival::{Experiment, assert_same, column, was_killed};
use crate::common::{SMALL, said, signal, write};

/// Four runs of several epochs, each with a checkpoint after every batch.
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
layer = "dropout"
rate = 0.3
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

fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), said(&output))
}

/// As Ctrl-C does.
/// How often runs were begun, by what their logs say.
fn begun(experiment: &Experiment) -> Vec<usize> {
    let log = |run: PathBuf| fs::read_to_string(run.join("log.jsonl")).unwrap();
    let count = |run| log(run).matches("\"event\":\"started\"").count();
    experiment.runs().into_iter().map(count).collect()
}

/// Starts it so often at once, and waits for all.
fn at_once(experiment: &Experiment, processes: usize) -> Vec<(Option<i32>, String)> {
    let children: Vec<Child> = (0..processes)
        .map(|_| experiment.command().spawn().unwrap())
        .collect();
    children.into_iter().map(end).collect()
}

/// Whether a run has come to its first checkpoint.
fn works(experiment: &Experiment) -> bool {
    !experiment.checkpoints().is_empty()
}

/// Whether two runs have.
fn two_work(experiment: &Experiment) -> bool {
    let runs = experiment.runs().into_iter();
    runs.filter(|run| run.join("checkpoint").is_dir()).count() == 2
}

#[test]
fn jobs_and_threads_do_not_change_a_byte() {
    let (whole, _) = Experiment::uninterrupted(SWEEP);
    for (jobs, threads) in [("2", "2"), ("3", "4"), ("9", "1"), ("1", "3")] {
        let experiment = Experiment::new(SWEEP);
        let mut command = experiment.command();
        command
            .args(["--jobs", jobs])
            .env("RAYON_NUM_THREADS", threads);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(begun(&experiment), [1; 4]);
        assert_same(&experiment, &whole);
    }
}

#[test]
fn features_are_computed_once_for_the_jobs_of_a_process() {
    let spec = r#"
        dataset = { name = "digits", train_limit = 400, test_limit = 20 }
        backbone = { arch = "vgg11_bn", weights = "random", input_size = 32 }
        freeze = { through = "all" }
        head = [{ layer = "flatten" }, { layer = "dense", units = "classes", activation = "softmax" }]
        training = { epochs = 1 }
        sweep = { axes = { "optimizer.learning_rate" = [1e-3, 1e-2] } }
    "#;
    let experiment = Experiment::new(spec);
    let output = experiment.command().args(["-v", "--jobs", "2"]).output();
    let text = said(&output.unwrap());
    // Training with validation, and test.
    assert_eq!(text.matches(" from the images").count(), 2, "{text}");
}

#[test]
fn small_runs_go_side_by_side_before_a_large_one() {
    let spec = r#"
        dataset = { name = "digits", train_limit = 200, test_limit = 20 }
        backbone = { arch = "squeezenet1_1", weights = "random", input_size = 32 }
        head = [{ layer = "flatten" }, { layer = "dense", units = "classes", activation = "softmax" }]
        training = { epochs = 2 }
        sweep = { axes = { "freeze.through" = ["none", "all"], "optimizer.learning_rate" = [1e-3, 1e-2] } }
    "#;
    let experiment = Experiment::new(spec);
    let mut command = experiment.command();
    command.arg("-v").env("RAYON_NUM_THREADS", "2");
    let text = said(&command.output().unwrap());
    let at = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("{what} in:\n{text}"))
    };
    let (third, fourth) = (at("run 3/4 starts"), at("run 4/4 starts"));
    assert!(third.max(fourth) < at("finished 2 epochs"), "{text}");
    assert!(at("run 1/4 starts") > third.max(fourth), "{text}");
    assert!(at("run 2/4 starts") > at("run 1/4 starts"), "{text}");
}

#[test]
fn no_jobs_at_all_are_refused() {
    let experiment = Experiment::new(SMALL);
    let output = experiment.command().args(["--jobs", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn two_processes_at_once_do_every_run_once_and_leave_what_one_leaves() {
    let (whole, _) = Experiment::uninterrupted(SWEEP);
    let experiment = Experiment::new(SWEEP);
    for (code, text) in at_once(&experiment, 2) {
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("seed"), "{text}");
    }
    assert_eq!(begun(&experiment), [1; 4]);
    assert_same(&experiment, &whole);
}

#[test]
fn an_experiment_that_others_build_on_is_shared_too() {
    let first = SMALL.replace("epochs = 1", "epochs = 3");
    let second = SMALL.replace("\"random\"", "{ experiment = \"first.toml\" }");
    let experiment = Experiment::new(&format!("{second}\n[sweep.axes]\nseed = [0, 1]\n"));
    write(experiment.folder(), "first.toml", &first);
    for (code, text) in at_once(&experiment, 2) {
        assert_eq!(code, Some(0), "{text}");
    }
    assert_eq!(begun(&experiment), [1; 2]);
    let first = experiment.folder().join("results/first/runs");
    let run = fs::read_dir(first).unwrap().next().unwrap().unwrap().path();
    let log = fs::read_to_string(run.join("log.jsonl")).unwrap();
    assert_eq!(log.matches("\"event\":\"started\"").count(), 1);
}

#[test]
fn the_run_of_a_killed_process_is_taken_over_from_its_checkpoint() {
    let spec = SWEEP.replace("epochs = 2", "epochs = 12");
    let spec = spec.replace("seed = [0, 1]", "seed = [0]");
    let (whole, _) = Experiment::uninterrupted(&spec);
    let experiment = Experiment::new(&spec);
    let mut first = experiment.start_until(works);
    let second = experiment.command().spawn().unwrap();
    while !two_work(&experiment) {
        assert!(first.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(1));
    }
    first.kill().unwrap();
    assert!(was_killed(first.wait().unwrap()));
    let (code, text) = end(second);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("is taken over: process "), "{text}");
    assert!(text.contains("resumes after"), "{text}");
    assert_same(&experiment, &whole);
}

#[test]
fn the_run_of_a_host_that_is_silent_is_taken_over() {
    let (whole, _) = Experiment::uninterrupted(SMALL);
    let experiment = Experiment::new(SMALL);
    experiment.die_at("spec.toml:2:renamed");
    let run = experiment.runs().remove(0);
    let claim = run.join("claim-ffffffffffff-1-1.0");
    fs::write(&claim, "process 1 on far\n").unwrap();
    // Three seconds of silence.
    let mut command = experiment.command();
    command.env("RUNNER_PATIENCE", "0.05");
    let child = command.spawn().unwrap();
    for second in 0..40 {
        let file = fs::File::options().write(true).open(&claim).unwrap();
        let touched = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        file.set_modified(touched).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, text) = end(child);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("is being done: process 1 on far"), "{text}");
    assert!(text.contains("process 1 on far is gone"), "{text}");
    assert_same(&experiment, &whole);
}

#[test]
fn a_run_that_failed_in_one_process_is_not_done_again_by_the_other() {
    let diverging = SWEEP.replace(
        "seed = [0, 1]",
        "\"optimizer.learning_rate\" = [3e38, 1e-3]",
    );
    let experiment = Experiment::new(&diverging);
    for (code, text) in at_once(&experiment, 2) {
        assert_eq!(code, Some(1), "{text}");
    }
    assert_eq!(begun(&experiment), [1; 4]);
    let mut statuses = column(&experiment, "status");
    statuses.sort();
    assert_eq!(statuses, ["failed", "failed", "finished", "finished"]);
}

#[test]
fn a_panic_in_one_job_does_not_hurt_the_other() {
    let experiment = Experiment::new(SWEEP);
    let mut command = experiment.command();
    command.args(["--jobs", "2"]);
    command.env("RUNNER_FAIL_POINT", "batch:3:panic");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let mut statuses = column(&experiment, "status");
    statuses.sort();
    assert_eq!(statuses, ["failed", "finished", "finished", "finished"]);
    experiment.finish();
    let (whole, _) = Experiment::uninterrupted(SWEEP);
    assert_same(&experiment, &whole);
}

#[test]
fn a_signal_leaves_a_checkpoint_of_every_job() {
    let spec = SWEEP.replace("epochs = 2", "epochs = 12");
    let (whole, _) = Experiment::uninterrupted(&spec);
    let experiment = Experiment::new(&spec);
    let mut command = experiment.command();
    let child = command.args(["--jobs", "2"]).spawn().unwrap();
    while !two_work(&experiment) {
        std::thread::sleep(Duration::from_millis(1));
    }
    signal("-INT", &child);
    let (code, text) = end(child);
    assert_eq!(code, Some(130), "{text}");
    assert!(
        text.contains("2 of 4 runs interrupted, 2 of 4 runs not started"),
        "{text}"
    );
    assert_eq!(experiment.finish().matches("resumes after").count(), 2);
    assert_same(&experiment, &whole);
}

#[test]
fn a_signal_leaves_what_another_process_does_to_that_one() {
    let spec = SWEEP.replace("epochs = 2", "epochs = 500");
    let spec = spec.replace("[\"all\", \"fire7\"]", "[\"all\"]");
    let experiment = Experiment::new(&spec.replace("[0, 1]", "[0]"));
    let mut first = experiment.start_until(works);
    let mut second = experiment.command().spawn().unwrap();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("is being done: process ")));
    signal("-INT", &second);
    let (code, text) = end(second);
    assert_eq!(code, Some(130), "{text}");
    assert!(
        text.contains("1 of 1 runs done by another process"),
        "{text}"
    );
    assert!(!text.contains("interrupted"), "{text}");
    assert!(first.try_wait().unwrap().is_none(), "it ended before");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn fresh_leaves_what_another_process_does() {
    let spec = SWEEP.replace("epochs = 2", "epochs = 12");
    let experiment = Experiment::new(&spec);
    let mut first = experiment.start_until(works);
    let output = experiment.command().arg("--fresh").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    let id = first.id();
    assert!(
        text.contains(&format!("is being done: process {id} on ")),
        "{text}"
    );
    assert!(
        text.contains("--fresh") && !text.contains("deletes"),
        "{text}"
    );
    assert!(works(&experiment));
    first.kill().unwrap();
    first.wait().unwrap();
}

/// Kills altogether; `RUNNER_KILLS=500` makes it longer.
fn kills() -> usize {
    let wanted = std::env::var("RUNNER_KILLS");
    wanted.map_or(10, |kills| kills.parse().unwrap())
}

#[test]
fn killed_anywhere_while_two_jobs_run_a_sweep_ends_with_the_same_bytes() {
    let (whole, time) = Experiment::uninterrupted(SWEEP);
    let experiment = Experiment::new(SWEEP);
    let mut moments = Stream::new(3, Purpose::Sweep, 0, 0);
    let mut killed = 0;
    while killed < kills() {
        let moment = time.mul_f32(moments.uniform());
        if was_killed(experiment.kill_after_with(&["--jobs", "2"], moment)) {
            killed += 1;
        } else {
            assert_same(&experiment, &whole);
            experiment.start_over();
        }
    }
    experiment.finish();
    assert_same(&experiment, &whole);
}

#[test]
fn killed_anywhere_while_two_processes_run_a_sweep_ends_with_the_same_bytes() {
    let (whole, time) = Experiment::uninterrupted(SWEEP);
    let experiment = Experiment::new(SWEEP);
    let mut moments = Stream::new(4, Purpose::Sweep, 0, 0);
    for _ in 0..kills() {
        let other = experiment.command().spawn().unwrap();
        experiment.kill_after(time.mul_f32(moments.uniform()));
        let (code, text) = end(other);
        assert_eq!(code, Some(0), "{text}");
        experiment.finish();
        assert_same(&experiment, &whole);
        experiment.start_over();
    }
}
