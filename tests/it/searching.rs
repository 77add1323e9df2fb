//! Sweeps whose strategy follows results: halving and TPE.
#![cfg(unix)]

mod refused;

use std::fs;
use std::path::Path;

use polars::prelude::*;
use runner::rng::{Purpose, Stream};

use crate::common::survival::{Experiment, TIMES, column, read_table, survives_as};
use crate::common::{runner, said, write};

/// Frozen features of digits, by learning rate and seed.
const BASE: &str = r#"
[dataset]
name = "digits"
train_limit = 120
test_limit = 20

[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32

[freeze]
through = "all"

[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dropout"
rate = 0.1
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"

[optimizer]
name = "sgd"
momentum = 0.9

[training]
epochs = 9
batch_size = 24
"#;

const HALVING: &str = r#"
[sweep]
strategy = "halving"
metric = "val_loss"
[sweep.axes]
"optimizer.learning_rate" = [1e-5, 1e-3, 0.01, 0.1, 0.3, 1.0]
seed = [0, 1]
"#;

const TPE: &str = r#"
[sweep]
strategy = "tpe"
metric = "val_loss"
samples = 10
startup = 4
lag = 2
[sweep.axes]
"optimizer.learning_rate" = { min = 1e-4, max = 1.0, scale = "log" }
"head.1.rate" = [0.0, 0.5]
"#;

fn spec(sweep: &str) -> String {
    format!("{BASE}{sweep}").replace(
        "epochs = 9",
        if sweep == TPE {
            "epochs = 2"
        } else {
            "epochs = 9"
        },
    )
}

fn history(experiment: &Experiment) -> DataFrame {
    read_table(&experiment.results().join("search.parquet"))
}

/// Whether both asked the same, were answered the same, and have the same models and tables.
fn assert_same(found: &Experiment, expected: &Experiment) {
    let bytes = |e: &Experiment| fs::read(e.results().join("search.parquet")).unwrap();
    assert!(
        bytes(found) == bytes(expected),
        "{} {}",
        history(found),
        history(expected)
    );
    for file in ["metrics.parquet", "runs.parquet", "predictions.parquet"] {
        let table = |e: &Experiment| read_table(&e.results().join(file)).drop_many(TIMES);
        let (found, expected) = (table(found), table(expected));
        for (found, expected) in found.columns().iter().zip(expected.columns()) {
            assert!(
                found.equals_missing(expected),
                "{file} {found:?} {expected:?}"
            );
        }
    }
    for (found, expected) in found.runs().iter().zip(expected.runs()) {
        let model = |run: &Path| fs::read(run.join("model.safetensors")).ok();
        assert!(model(found) == model(&expected), "{}", found.display());
    }
}

fn counts(experiment: &Experiment, column: &str) -> Vec<i64> {
    let table = history(experiment);
    let column = table.column(column).unwrap().i64().unwrap();
    column.iter().flatten().collect()
}

#[test]
fn halving_goes_on_with_the_best_and_does_no_epoch_twice() {
    let (halved, _) = Experiment::uninterrupted(&spec(HALVING));
    let (rounds, epochs) = (counts(&halved, "round"), counts(&halved, "epochs"));
    assert_eq!(rounds, [1, 1, 1, 1, 1, 1, 2, 2, 3]);
    assert_eq!(epochs, [1, 1, 1, 1, 1, 1, 3, 3, 9]);
    let statuses = column(&halved, "status");
    let count = |status: &str| statuses.iter().filter(|found| *found == status).count();
    assert_eq!((count("finished"), count("paused")), (2, 10));
    // 6 settings and 2 seeds: 1 epoch each, 2 more of two settings, 6 more of one.
    let metrics = read_table(&halved.results().join("metrics.parquet"));
    assert_eq!(metrics.height(), 2 * (6 + 2 * 2 + 6));
    for run in halved.runs() {
        let log = fs::read_to_string(run.join("log.jsonl")).unwrap();
        let epochs = log.matches("\"event\":\"epoch\"").count();
        let own = read_table(&run.join("metrics.parquet"));
        assert_eq!(epochs, own.height(), "{log}");
    }

    // The whole of what went on is that of a sweep of every point.
    let (whole, _) = Experiment::uninterrupted(&spec(
        &HALVING
            .replace("halving", "grid")
            .replace("metric = \"val_loss\"", ""),
    ));
    let mut compared = 0;
    for run in halved.runs() {
        let name = run.file_name().unwrap();
        let Ok(model) = fs::read(run.join("model.safetensors")) else {
            let predicted = runner(halved.folder())
                .arg("predict")
                .arg(&run)
                .arg("a.png")
                .output();
            let text = said(&predicted.unwrap());
            assert!(
                text.contains("has no model: the run is paused after"),
                "{text}"
            );
            continue;
        };
        let of_whole = whole
            .results()
            .join("runs")
            .join(name)
            .join("model.safetensors");
        assert!(fs::read(of_whole).unwrap() == model, "{}", run.display());
        compared += 1;
    }
    assert_eq!(compared, 2);
    // Nothing is left of the search once the spec says another strategy.
    let search = ["search.parquet", "charts/search.svg"].map(|file| halved.results().join(file));
    assert!(search.iter().all(|file| file.is_file()));
    let grid = fs::read_to_string(whole.folder().join("e.toml")).unwrap();
    write(halved.folder(), "e.toml", &grid);
    let finished = column(&halved, "run");
    let finished = finished
        .iter()
        .zip(&statuses)
        .find(|(_, status)| *status == "finished");
    let only = ["--only", finished.unwrap().0];
    assert!(halved.command().args(only).status().unwrap().success());
    assert!(!search.iter().any(|file| file.exists()));
}

#[test]
fn the_best_of_a_round_are_those_of_the_least_loss() {
    let (halved, _) = Experiment::uninterrupted(&spec(HALVING));
    let history = history(&halved);
    let text = |name: &str| -> Vec<String> {
        let column = history.column(name).unwrap().str().unwrap();
        column.iter().flatten().map(str::to_owned).collect()
    };
    let values = history.column("value").unwrap().f64().unwrap();
    let values: Vec<f64> = values.iter().flatten().collect();
    let names = text("configuration");
    let mut first: Vec<(f64, &String)> = values.iter().copied().zip(&names).take(6).collect();
    first.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best: Vec<&String> = first[..2].iter().map(|(_, name)| *name).collect();
    let mut second: Vec<&String> = names[6..8].iter().collect();
    best.sort();
    second.sort();
    assert_eq!(second, best);
}

#[test]
fn any_number_of_jobs_and_processes_asks_the_same() {
    for sweep in [HALVING, TPE] {
        let (whole, _) = Experiment::uninterrupted(&spec(sweep));
        let jobs = Experiment::new(&spec(sweep));
        let output = jobs.command().args(["--jobs", "2"]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert_same(&jobs, &whole);
        let processes = Experiment::new(&spec(sweep));
        let children: Vec<_> = (0..2)
            .map(|_| processes.command().spawn().unwrap())
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", said(&output));
        }
        assert_same(&processes, &whole);
    }
}

#[test]
fn killed_anywhere_a_search_goes_on_with_the_same_question() {
    let mut moments = Stream::new(7, Purpose::Sweep, 0, 0);
    for sweep in [HALVING, TPE] {
        survives_as(&spec(sweep), 10, &mut moments, assert_same);
    }
}

/// Trains the first paused run to its end; gives its place among the runs, and what is said.
fn train_a_paused_run(experiment: &Experiment) -> (usize, String) {
    let statuses = column(experiment, "status");
    let is_paused = |status: &String| status == "paused";
    let at = statuses.iter().position(is_paused).unwrap();
    let run = column(experiment, "run").swap_remove(at);
    let output = experiment.command().args(["--only", &run]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    (at, said(&output))
}

#[test]
fn a_paused_run_can_be_trained_to_its_end() {
    let (halved, _) = Experiment::uninterrupted(&spec(HALVING));
    let (at, said) = train_a_paused_run(&halved);
    assert_eq!(column(&halved, "status")[at], "finished");
    assert!(said.contains("resumes after"), "{said}");
}

#[test]
fn what_fails_is_left_behind() {
    let sweep = HALVING
        .replace("0.3, 1.0", "0.3, 1e6")
        .replace("seed = [0, 1]", "");
    let experiment = Experiment::new(&spec(&sweep).replace("\"all\"", "\"fire7\""));
    let output = experiment.run();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let history = history(&experiment);
    let values = history.column("value").unwrap().f64().unwrap();
    assert!(values.get(5).unwrap().is_nan());
    assert_eq!(counts(&experiment, "round"), [1, 1, 1, 1, 1, 1, 2, 2, 3]);
    let last = history
        .column("configuration")
        .unwrap()
        .str()
        .unwrap()
        .get(8);
    assert_ne!(last, Some("learning_rate=1e6"));
}

#[test]
fn a_setting_that_is_half_paused_is_not_the_best() {
    let halved =
        Experiment::new(&spec(HALVING).replace("epochs = 9", "epochs = 9\nsave = \"best\""));
    halved.finish();
    let model = |run: &Path| run.join("model.safetensors").is_file();
    let kept: Vec<_> = halved.runs().into_iter().filter(|run| model(run)).collect();
    assert_eq!(kept.len(), 1);
    let (_, about_it) = train_a_paused_run(&halved);
    assert!(model(&kept[0]), "{about_it}");
    let output = runner(halved.folder())
        .args(["compare", "results/e"])
        .output()
        .unwrap();
    assert!(
        said(&output).contains("10 runs of settings that a search paused"),
        "{}",
        said(&output)
    );
}
