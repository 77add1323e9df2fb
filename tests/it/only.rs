//! `--only`: some runs of a sweep, as an engine starts them on many machines.
#![cfg(unix)]

use std::fs;
use std::process::{Child, Command, Output};

use crate::common::survival::{Experiment, assert_same, column, read_table};
use crate::common::{SMALL, said, signal, write};

/// Four small runs.
fn sweep() -> String {
    format!("{SMALL}\n[sweep.axes]\nseed = [0, 1]\n\"optimizer.learning_rate\" = [1e-3, 1e-2]\n")
}

/// The ids of the sweep's runs, in order.
fn ids(experiment: &Experiment) -> Vec<String> {
    let plan = fs::read_to_string(experiment.results().join("plan.txt")).unwrap();
    plan.lines().map(str::to_owned).collect()
}

fn only(experiment: &Experiment, runs: &str) -> Command {
    let mut command = experiment.command();
    command.args(["--only", runs]);
    command
}

fn ends(output: &Output, status: i32) -> String {
    let text = said(output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    text
}

#[test]
fn some_runs_are_done_alone_and_leave_what_the_whole_sweep_leaves() {
    let (whole, _) = Experiment::uninterrupted(&sweep());
    let all = ids(&whole);
    let experiment = Experiment::new(&sweep());
    let two = format!("{},{}", all[3], all[0]);
    let text = ends(&only(&experiment, &two).output().unwrap(), 0);
    assert!(text.contains("run 2/2"), "{text}");
    assert_eq!(ids(&experiment), all);
    assert_eq!(experiment.runs().len(), 2);
    let again = ends(&only(&experiment, &two).output().unwrap(), 0);
    assert!(
        again.contains("2 of 2 runs are finished already"),
        "{again}"
    );
    // A beginning that one run has.
    let (beginning, _) = all[1].rsplit_once('-').unwrap();
    ends(&only(&experiment, beginning).output().unwrap(), 0);
    assert_eq!(experiment.runs().len(), 3);
    let rest = experiment.finish();
    assert!(rest.contains("3 of 4 runs are finished already"), "{rest}");
    assert_same(&experiment, &whole);
}

#[test]
fn runs_that_take_over_a_network_leave_what_each_leaves_alone() {
    // Its frozen tensors depend on the seed, so that in the sweep's order every other run has the same; behind them is
    // another rate, or another head, of which a part is constant too.
    for axis in [
        "\"optimizer.learning_rate\" = [1e-3, 1e-2]",
        "\"head.0.layer\" = [\"flatten\", \"global_average_pooling\"]",
    ] {
        let spec = format!("{SMALL}\n[sweep.axes]\n{axis}\nseed = [0, 1]\n");
        let (whole, _) = Experiment::uninterrupted(&spec);
        let experiment = Experiment::new(&spec);
        for run in ids(&whole) {
            ends(&only(&experiment, &run).output().unwrap(), 0);
        }
        assert_same(&experiment, &whole);
    }
}

#[test]
fn a_run_that_is_not_there_is_a_mistake_and_nothing_is_begun() {
    let experiment = Experiment::new(&sweep());
    for (runs, says) in [
        ("seed=3", "the nearest is seed="),
        ("seed=1", "2 runs of the sweep begin with it"),
        ("", "no run of the sweep"),
    ] {
        let text = ends(&only(&experiment, runs).output().unwrap(), 2);
        assert!(text.contains(says), "{text}");
    }
    assert!(!experiment.results().exists());
}

#[test]
fn processes_with_a_part_each_build_on_one_experiment_and_lose_nothing() {
    let second = sweep().replace("\"random\"", "{ experiment = \"first.toml\" }");
    let first = format!("{SMALL}\n[sweep.axes]\nseed = [0, 1, 2]\n");
    let make = || {
        let experiment = Experiment::new(&second);
        write(experiment.folder(), "first.toml", &first);
        experiment
    };
    let (whole, experiment) = (make(), make());
    whole.finish();
    let parts = ids(&whole);
    let children: Vec<Child> = parts
        .iter()
        .map(|run| only(&experiment, run).spawn().unwrap())
        .collect();
    for child in children {
        ends(&child.wait_with_output().unwrap(), 0);
    }
    // Models name the spec that they build on by its path, which is another here.
    for file in ["metrics.parquet", "predictions.parquet"] {
        let times = ["seconds", "images_per_second", "peak_memory_mib"];
        let table = |e: &Experiment| read_table(&e.results().join(file)).drop_many(times);
        assert!(table(&experiment).equals_missing(&table(&whole)), "{file}");
    }
    // What nothing builds on is not run.
    let upstream = |e: &Experiment| {
        e.folder()
            .join("results/first/runs")
            .read_dir()
            .unwrap()
            .count()
    };
    assert_eq!((upstream(&whole), upstream(&experiment)), (3, 2));
}

#[test]
fn the_exit_status_says_whether_to_start_again() {
    let spec = sweep().replace("1e-3", "3e38");
    let experiment = Experiment::new(&spec);
    ends(&experiment.run(), 1);
    let failed: Vec<bool> = column(&experiment, "status")
        .iter()
        .map(|s| s == "failed")
        .collect();
    let all = ids(&experiment);
    let at = |wanted| &all[failed.iter().position(|f| *f == wanted).unwrap()];
    ends(&only(&experiment, at(true)).output().unwrap(), 1);
    ends(&only(&experiment, at(false)).output().unwrap(), 0);
}

#[test]
fn a_managers_signal_gives_75_also_while_others_have_the_run_or_what_it_builds_on() {
    let long = SMALL.replace("epochs = 1", "epochs = 4000");
    let second = SMALL.replace("\"random\"", "{ experiment = \"first.toml\" }");
    let experiment = Experiment::new(&second);
    write(experiment.folder(), "first.toml", &long);
    let log = |e: &Experiment| e.folder().join("results/first/metrics.parquet").exists();
    let first = experiment.start_until(log);
    let waiting = experiment
        .command()
        .args(["--only", "run"])
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    for child in [waiting, first] {
        signal("-TERM", &child);
        ends(&child.wait_with_output().unwrap(), 75);
    }
    let experiment = Experiment::new(&long);
    let first = experiment.start_until(|e| !e.checkpoints().is_empty());
    let waiting = only(&experiment, "run").spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    signal("-USR1", &waiting);
    let text = ends(&waiting.wait_with_output().unwrap(), 75);
    assert!(
        text.contains("1 of 1 runs done by another process"),
        "{text}"
    );
    signal("-TERM", &first);
    let text = ends(&first.wait_with_output().unwrap(), 75);
    assert!(text.contains("1 of 1 runs interrupted"), "{text}");
}
