//! SIGINT, SIGTERM and SIGUSR1: the first finishes the batch and leaves a checkpoint, the second stops at once.
#![cfg(unix)]

use std::process::{Child, Command};

use crate::common::survival::{Experiment, assert_same, column};
use crate::common::{SMALL, write};

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn the_first_signal_leaves_a_checkpoint_and_says_how_to_resume() {
    let spec = SMALL.replace("epochs = 1", "epochs = 40\nbatch_size = 8");
    let (whole, _) = Experiment::uninterrupted(&spec);
    for (signal, status) in [("-INT", 130), ("-TERM", 75), ("-USR1", 75)] {
        let experiment = Experiment::new(&spec);
        let child = experiment.start_until(|e| !e.checkpoints().is_empty());
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains("1 of 1 runs interrupted: the same command"),
            "{said}"
        );
        assert_eq!(column(&experiment, "status"), ["interrupted"]);
        assert!(experiment.finish().contains("resumes after"));
        assert_same(&experiment, &whole);
    }
}

#[test]
fn the_second_signal_stops_inside_a_batch() {
    // A batch that takes seconds.
    let spec = r#"
        dataset = { name = "digits", train_limit = 500, test_limit = 1 }
        backbone = { arch = "vgg16", weights = "random", input_size = 32 }
        freeze = { through = "none" }
        head = [{ layer = "flatten" }, { layer = "dense", units = "classes", activation = "softmax" }]
        optimizer = { name = "sgd" }
        training = { epochs = 1, batch_size = 450 }
    "#;
    let experiment = Experiment::new(spec);
    let child = experiment.start_until(|e| e.log().contains("\"training\""));
    send("-INT", &child);
    send("-TERM", &child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75));
    assert!(experiment.checkpoints().is_empty());
    assert_eq!(column(&experiment, "status"), ["interrupted"]);
}

#[test]
fn computing_features_is_stopped_too() {
    let spec = r#"
        dataset = { name = "digits", train_limit = 1400, test_limit = 1 }
        backbone = { arch = "vgg16", weights = "random", input_size = 64 }
        freeze = { through = "all" }
        head = [{ layer = "flatten" }, { layer = "dense", units = "classes", activation = "softmax" }]
        training = { epochs = 1 }
    "#;
    let experiment = Experiment::new(spec);
    let child = experiment.start_until(|e| e.log().contains("\"started\""));
    send("-INT", &child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(!experiment.log().contains("\"training\""));
}

#[test]
fn an_experiment_stops_with_the_one_it_builds_on() {
    let first = SMALL.replace("epochs = 1", "epochs = 400");
    let second = SMALL.replace("\"random\"", "{ experiment = \"first.toml\" }");
    let experiment = Experiment::new(&second);
    write(experiment.folder(), "first.toml", &first);
    let log = |e: &Experiment| e.folder().join("results/first/metrics.parquet").exists();
    let child = experiment.start_until(log);
    send("-INT", &child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(!experiment.results().exists());
}
