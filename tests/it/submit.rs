//! Runs handed to engines, here with commands that stand for Slurm's; `tests/slurm.py` has the real one.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::survival::{Experiment, assert_same};
use crate::common::{SMALL, runner, said, write};

fn sweep() -> String {
    format!("{SMALL}\n[sweep.axes]\nseed = [0, 1, 2]\n\"optimizer.learning_rate\" = [1e-3, 1e-2]\n")
}

fn ends(output: &Output, status: i32) -> String {
    let text = said(output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    text
}

/// `runner submit e.toml` with these words.
fn submit(experiment: &Experiment, words: &[&str]) -> Command {
    let usual = experiment.command();
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command
        .current_dir(experiment.folder())
        .args(["submit", "e.toml"])
        .args(words);
    for (name, value) in usual.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
}

/// What stands for Slurm: `sbatch` keeps what it was told as `<job>.arguments` and `<job>.script`, `squeue` says what
/// stands in `queue`.
struct Slurm {
    folder: PathBuf,
}

impl Slurm {
    /// With room for this many tasks in a job.
    fn new(experiment: &Experiment, most: usize) -> Self {
        let folder = experiment.folder().join("slurm");
        fs::create_dir(&folder).unwrap();
        let slurm = Slurm { folder };
        slurm.program(
            "scontrol",
            &format!("echo 'MaxArraySize            = {most}'"),
        );
        slurm.program("squeue", "cat queue 2>/dev/null; true");
        slurm.program("sacct", "echo '1_0|TIMEOUT'; echo '1_1|CANCELLED by 0'");
        slurm.program("scancel", "echo \"$@\" >cancelled");
        slurm.program(
            "sbatch",
            "n=$(($(ls *.script 2>/dev/null | wc -l) + 1)); printf '%s\\n' \"$@\" >$n.arguments; cat >$n.script; echo $n",
        );
        slurm
    }

    fn program(&self, name: &str, script: &str) {
        let path = write(&self.folder, name, "");
        let text = format!("#!/bin/sh\ncd '{}'\n{script}\n", self.folder.display());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self) -> String {
        let usual = std::env::var("PATH").unwrap();
        format!("{}:{usual}", self.folder.display())
    }

    fn submit(&self, experiment: &Experiment, words: &[&str]) -> Output {
        let words = [&["--engine", "slurm"], words].concat();
        let mut command = submit(experiment, &words);
        command.env("PATH", self.path()).output().unwrap()
    }

    fn told(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }

    /// Does a task as Slurm does.
    fn start(&self, experiment: &Experiment, (job, task): (usize, usize)) -> Output {
        let mut command = Command::new("sh");
        for (name, value) in experiment.command().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .env("PATH", self.path())
            .env("SLURM_ARRAY_TASK_ID", task.to_string());
        command
            .arg(self.folder.join(format!("{job}.script")))
            .output()
            .unwrap()
    }
}

fn record(experiment: &Experiment) -> Value {
    let text = fs::read(experiment.results().join("engine.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn printed_commands_do_the_sweep_each_its_part() {
    let (whole, _) = Experiment::uninterrupted(&sweep().replace("epochs = 1", "epochs = 2"));
    let experiment = Experiment::new(&sweep());
    let set = [
        "--print",
        "--runs-per-task",
        "4",
        "--set",
        "training.epochs = 2",
    ];
    let mut command = submit(&experiment, &set);
    let output = command
        .env("RUNNER_TRAINING__BATCH_SIZE", "32")
        .output()
        .unwrap();
    ends(&output, 0);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("env RUNNER_TRAINING__BATCH_SIZE=32 "),
        "{text}"
    );
    assert!(!experiment.results().join("engine.json").exists());
    for (line, runs) in lines.iter().zip([4, 6]) {
        let mut shell = Command::new("sh");
        shell.current_dir(experiment.folder()).args(["-c", line]);
        ends(
            &shell
                .env("RUNNER_CACHE", experiment.folder().join("cache"))
                .output()
                .unwrap(),
            0,
        );
        assert_eq!(experiment.runs().len(), runs);
    }
    // What is done is left out.
    let output = submit(&experiment, &set).output().unwrap();
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{}",
        said(&output)
    );
    assert_same(&experiment, &whole);
}

#[test]
fn tasks_of_minutes_hold_many_small_runs() {
    let experiment = Experiment::new(&sweep());
    let output = submit(&experiment, &["--print"]).output().unwrap();
    let text = ends(&output, 0);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    assert!(text.contains("6 runs in 1 task, each about"), "{text}");
    let seconds = ["--print", "--minutes-per-task", "0.0000001"];
    let output = submit(&experiment, &seconds).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().lines().count() > 1);
}

#[test]
fn a_job_has_as_many_tasks_as_slurm_allows_and_what_is_lost_is_submitted_again() {
    let experiment = Experiment::new(&sweep());
    let slurm = Slurm::new(&experiment, 2);
    let text = ends(
        &slurm.submit(
            &experiment,
            &["--runs-per-task", "2", "--", "--partition=x"],
        ),
        0,
    );
    assert!(text.contains("e: 6 runs: 6 not submitted yet"), "{text}");
    assert!(
        text.contains("4 runs in 2 tasks submitted: slurm job 1"),
        "{text}"
    );
    assert!(
        text.contains("2 runs in 1 task submitted: slurm job 2"),
        "{text}"
    );
    let arguments = slurm.told("1.arguments");
    let last = arguments.lines().last();
    assert!(
        arguments.contains("--array=0-1\n--requeue\n--signal=B:USR1@120\n"),
        "{arguments}"
    );
    assert_eq!(last, Some("--partition=x"));
    let jobs = record(&experiment)["jobs"].clone();
    assert_eq!(jobs[1]["tasks"]["0"].as_array().unwrap().len(), 2, "{jobs}");

    ends(&slurm.start(&experiment, (1, 0)), 0);
    write(
        &slurm.folder,
        "queue",
        "1 1 RUNNING None\n2 0 PENDING Priority\n77 0 RUNNING None\n",
    );
    let text = ends(&slurm.submit(&experiment, &[]), 0);
    assert!(
        text.contains("e: 6 runs: 2 done, 2 running, 2 queued (Priority)\n"),
        "{text}"
    );
    assert!(!text.contains("submitted"), "{text}");
    let report = runner(experiment.folder())
        .args(["report", "results/e"])
        .output();
    ends(&report.unwrap(), 0);
    let page = fs::read_to_string(experiment.results().join("report.html")).unwrap();
    for part in ["slurm job 2", "asked last: Priority", "slurm job 1"] {
        assert!(page.contains(part), "{part}");
    }
    write(&slurm.folder, "queue", "2 0 PENDING\n");
    let text = ends(&slurm.submit(&experiment, &[]), 0);
    assert!(
        text.contains("2 done, 2 queued, 2 lost (CANCELLED)"),
        "{text}"
    );
    assert!(
        text.contains("2 runs in 1 task submitted: slurm job 3"),
        "{text}"
    );
    let jobs = record(&experiment)["jobs"].clone();
    let ids: Vec<&str> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["2", "3"]);

    write(&slurm.folder, "queue", "2 0 PENDING\n3 0 RUNNING\n");
    let text = ends(&slurm.submit(&experiment, &["--cancel"]), 0);
    assert!(text.contains("e: cancelled slurm jobs 2, 3"), "{text}");
    assert_eq!(slurm.told("cancelled"), "2 3\n");
}

#[test]
fn experiments_that_are_built_on_are_submitted_first() {
    let second = sweep().replace("\"random\"", "{ experiment = \"first.toml\" }");
    let experiment = Experiment::new(&second);
    write(
        experiment.folder(),
        "first.toml",
        &format!("{SMALL}\n[sweep.axes]\nseed = [0, 1, 2, 3]\n"),
    );
    let slurm = Slurm::new(&experiment, 1001);
    let text = ends(&slurm.submit(&experiment, &[]), 0);
    // The fourth is not needed.
    assert!(
        text.contains("3 runs in 1 task submitted: slurm job 1"),
        "{text}"
    );
    assert!(
        text.contains("6 runs in 1 task submitted: slurm job 2"),
        "{text}"
    );
    assert!(
        slurm
            .told("2.arguments")
            .contains("--dependency=afterany:1\n")
    );
    assert!(!slurm.told("1.arguments").contains("dependency"));
    ends(&slurm.start(&experiment, (1, 0)), 0);
    ends(&slurm.start(&experiment, (2, 0)), 0);
    assert!(ends(&slurm.submit(&experiment, &[]), 0).contains("e: 6 runs: 6 done\n"));
}

#[test]
fn what_the_engine_refuses_is_shown_as_it_is() {
    let experiment = Experiment::new(&sweep());
    let slurm = Slurm::new(&experiment, 1001);
    let refusal = "sbatch: error: invalid partition specified: nope";
    slurm.program("sbatch", &format!("echo '{refusal}' >&2; exit 1"));
    let text = ends(&slurm.submit(&experiment, &[]), 1);
    assert!(text.contains(refusal), "{text}");
    assert!(!experiment.results().join("engine.json").exists());
    let bare = submit(&experiment, &["--engine", "slurm"])
        .env("PATH", "")
        .output()
        .unwrap();
    assert!(
        ends(&bare, 1).contains("cannot start squeue")
            || said(&bare).contains("cannot start scontrol")
    );
    for (words, says) in [
        (&["--engine", "slrum"][..], "there are: slurm, ray"),
        (&["--engine", "slurm=x"], "takes no address"),
        (&[], "--engine <ENGINE>"),
        (&["--print", "--minutes-per-task", "0"], "above 0"),
        (&["--print", "--only", "seed=9"], "no run of the sweep"),
        (&["--print", "--set", "training.epochs=\n3"], "line break"),
    ] {
        let text = ends(&submit(&experiment, words).output().unwrap(), 2);
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn a_task_that_is_started_again_does_not_wait_for_its_own_start_before() {
    let experiment = Experiment::new(SMALL);
    experiment.die_at("spec.toml:2:renamed");
    let run = experiment.runs().remove(0);
    let claim = "process 1 on far\ntask slurm:here:7 0\n";
    write(&run, "claim-ffffffffffff-1-1.0", claim);
    let mut command = experiment.command();
    command
        .env("SLURM_JOB_ID", "7")
        .env("SLURM_CLUSTER_NAME", "here");
    let begun = std::time::Instant::now();
    let output = command.env("SLURM_RESTART_COUNT", "1").output().unwrap();
    let text = ends(&output, 0);
    assert!(
        text.contains("is taken over: process 1 on far is gone"),
        "{text}"
    );
    assert!(begun.elapsed().as_secs() < 60, "it has waited for silence");
}
