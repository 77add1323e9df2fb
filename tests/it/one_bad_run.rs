//! A run that cannot continue is recorded with its reason; the others continue.
#![cfg(unix)]

use crate::common::SMALL;
use crate::common::survival::{Experiment, assert_same, column};

/// The small experiment with one axis.
fn swept(axis: &str) -> Experiment {
    Experiment::new(&format!("{SMALL}\n[sweep.axes]\n{axis}\n"))
}

/// Two runs with these learning rates; one of 1e6 diverges in its second batch.
fn at_rates(rates: &str) -> Experiment {
    let spec = SMALL
        .replace("epochs = 1", "epochs = 1\nbatch_size = 8")
        .replace("through = \"all\"", "through = \"none\"");
    let axis = format!("\"optimizer.learning_rate\" = {rates}");
    Experiment::new(&format!(
        "{spec}\n[optimizer]\nname = \"sgd\"\n[sweep.axes]\n{axis}\n"
    ))
}

/// Two runs, the first of which diverges.
fn diverging() -> Experiment {
    at_rates("[1e6, 1e-3]")
}

fn assert_first_failed_with(experiment: &Experiment, parts: &[&str]) {
    assert_eq!(column(experiment, "status"), ["failed", "finished"]);
    let error = &column(experiment, "error")[0];
    for part in parts {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn a_loss_that_is_not_finite_fails_that_run_with_its_place_and_a_hint() {
    let experiment = diverging();
    assert_eq!(experiment.run().status.code(), Some(1));
    let parts = [
        "epoch 1, batch ",
        "learning rate 1e6",
        "optimizer.learning_rate",
    ];
    assert_first_failed_with(&experiment, &parts);
}

#[test]
fn weights_that_the_last_update_spoils_fail_the_run_as_no_further_loss_shows_them() {
    // One batch per epoch; learning rate times decay is beyond 32 bits, and a bias of 0 becomes 0 × inf.
    let spec = SMALL.replace("train_limit = 60", "train_limit = 20");
    let rest =
        "[optimizer]\nweight_decay = 1e6\n[sweep.axes]\n\"optimizer.learning_rate\" = [1e38, 1e-9]";
    let experiment = Experiment::new(&format!("{spec}\n{rest}\n"));
    assert_eq!(experiment.run().status.code(), Some(1));
    assert_first_failed_with(&experiment, &["dense", "no longer finite after epoch 1"]);
}

#[test]
fn a_panic_inside_a_run_fails_that_run_and_the_next_start_mends_it() {
    let seeds = "seed = [0, 1]";
    let experiment = swept(seeds);
    let output = experiment
        .command()
        // One at a time, so that it is the first that comes to its second batch.
        .args(["--jobs", "1"])
        .env("RUNNER_FAIL_POINT", "batch:2:panic")
        .output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    assert_first_failed_with(&experiment, &["a fail point is reached", "report"]);
    experiment.finish();
    let whole = swept(seeds);
    whole.finish();
    assert_same(&experiment, &whole);
}

#[test]
fn a_run_that_cannot_fit_into_memory_fails_before_it_takes_any() {
    let experiment =
        swept("\"backbone.input_size\" = [8192, 32]\n\"freeze.through\" = [\"fire2\"]");
    assert_eq!(experiment.run().status.code(), Some(1));
    let parts = [
        "GiB",
        "values of a batch of 32",
        "training.batch_size",
        "backbone.input_size",
    ];
    assert_first_failed_with(&experiment, &parts);
}

#[test]
fn fail_fast_starts_no_further_run() {
    let experiment = diverging();
    let output = experiment.command().arg("--fail-fast").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(column(&experiment, "status"), ["failed"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("1 of 2 runs not started"), "{said}");
}

#[test]
fn a_run_whose_process_died_twice_at_the_same_place_is_recorded_and_the_others_continue() {
    let seeds = "seed = [0, 1]";
    let experiment = swept(seeds);
    let die = |jobs: &str| {
        let output = experiment
            .command()
            .args(["--jobs", jobs])
            .env("RUNNER_FAIL_POINT", "checkpoint:1:begun")
            .output();
        assert_eq!(output.unwrap().status.code(), None);
    };
    die("1");
    die("1");
    assert_eq!(experiment.run().status.code(), Some(1));
    let parts = [
        "the process died twice at the same place, possibly out of memory",
        "before the first checkpoint",
        "--fresh",
    ];
    assert_first_failed_with(&experiment, &parts);
    // It is not tried again, until that is asked for.
    assert_eq!(experiment.run().status.code(), Some(1));
    assert_first_failed_with(&experiment, &parts);
    let mut fresh = experiment.command();
    assert!(fresh.arg("--fresh").output().unwrap().status.success());
    let whole = swept(seeds);
    whole.finish();
    assert_same(&experiment, &whole);
}

#[test]
fn a_process_that_is_refused_memory_says_so_in_the_logs_of_its_runs() {
    let experiment = swept("seed = [0]");
    experiment.die_at("checkpoint:1:begun");
    assert!(experiment.log().ends_with("{\"event\":\"aborted\"}\n"));
    experiment.finish();
}

#[test]
fn where_every_run_failed_the_end_names_no_path_that_is_not_there() {
    let experiment = at_rates("[1e6, 9e5]");
    let output = experiment.run();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut named = 0;
    for line in text.lines() {
        let Some((_, paths)) = line.split_once("  results/e/") else {
            continue;
        };
        for path in paths.split(", ").filter(|path| !path.contains('*')) {
            assert!(experiment.results().join(path).exists(), "{line}");
            named += 1;
        }
    }
    assert!(named > 0 && !text.contains("model.safetensors"), "{text}");
}
