//! Killed at any moment and started again, an experiment ends with what an uninterrupted run leaves.
#![cfg(unix)]

use std::fs;

use runner::rng::{Purpose, Stream};

use crate::common::survival::{Experiment, assert_same, survives};

/// Everything that has a state: moments, a plateau, early stopping with the best weights, moving statistics,
/// dropout, flips; a checkpoint after every batch.
const ALL_STATES: &str = r#"
augmentation = { horizontal_flip = true, random_crop_padding = 2 }
optimizer = { name = "adam", learning_rate = 3e-3, schedule = { kind = "plateau", patience = 1, factor = 0.5 } }

[dataset]
name = "digits"
train_limit = 60
test_limit = 20
validation = "stratified"
validation_split = 0.2

[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32

[freeze]
through = "fire6"

[[head]]
layer = "global_average_pooling"
[[head]]
layer = "batch_normalization"
momentum = 0.8
[[head]]
layer = "dropout"
rate = 0.3
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"

[training]
epochs = 6
batch_size = 16
metrics = ["accuracy", "top5_accuracy", "per_class", "macro_f1", "auroc", "calibration_error"]
checkpoint_minutes = 0
class_weights = "balanced"
early_stopping = { monitor = "val_loss", patience = 2, restore_best = true }
"#;

/// A sweep over features that are kept, by momentum; a checkpoint after every epoch.
const SWEEP: &str = r#"
optimizer = { name = "sgd", learning_rate = 0.05, momentum = 0.9, schedule = { kind = "cosine", warmup_epochs = 1 } }

[dataset]
name = "digits"
train_limit = 80
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
epochs = 3
batch_size = 24
sampler = "balanced"

[sweep.axes]
"freeze.through" = ["all", "fire7"]
"optimizer.name" = ["sgd", "rmsprop"]
"#;

/// Kills altogether; `RUNNER_KILLS=500` makes it longer.
fn kills() -> usize {
    let wanted = std::env::var("RUNNER_KILLS");
    wanted.map_or(36, |kills| kills.parse().unwrap())
}

#[test]
fn killed_inside_epochs_a_run_ends_with_the_same_bytes() {
    let mut moments = Stream::new(1, Purpose::Sweep, 0, 0);
    survives(ALL_STATES, kills() / 2, &mut moments);
}

#[test]
fn killed_anywhere_a_sweep_ends_with_the_same_bytes() {
    let mut moments = Stream::new(2, Purpose::Sweep, 0, 0);
    survives(SWEEP, kills().div_ceil(2), &mut moments);
}

/// Scattered weights of a residual network, moving statistics of frozen batch norms, momentum.
const SUBSET: &str = r#"
dataset = { name = "digits", train_limit = 60, test_limit = 20 }
backbone = { arch = "resnet18", weights = "random", input_size = 32 }
freeze = { train = ["layer2.0.conv2", "layer3.*.bias", "layer4.1.bn1"], batch_norm = "BATCH_NORM" }
optimizer = { name = "sgd", learning_rate = 0.05, momentum = 0.9 }
head = [{ layer = "pool" }, { layer = "dense", units = "classes", activation = "softmax" }]
training = { epochs = 2, batch_size = 24, checkpoint_minutes = 0 }
"#;

#[test]
fn killed_a_run_that_trains_a_subset_ends_with_the_same_bytes() {
    let mut moments = Stream::new(3, Purpose::Sweep, 0, 0);
    for mode in ["frozen", "statistics"] {
        let spec = SUBSET.replace("BATCH_NORM", mode);
        survives(&spec, kills().div_ceil(6), &mut moments);
    }
}

#[test]
fn death_while_a_file_is_written_loses_nothing() {
    let spec = ALL_STATES.replace("epochs = 6", "epochs = 2");
    let (whole, _) = Experiment::uninterrupted(&spec);
    let files = [
        ("spec.toml", 1),
        ("spec.toml", 2),
        ("runs.parquet", 1),
        ("runs.parquet", 2),
        ("runs.parquet", 4),
        ("metrics.parquet", 2),
        ("checkpoint", 1),
        ("checkpoint", 2),
        ("checkpoint", 5),
        ("model.safetensors", 1),
        ("splits.parquet", 1),
        ("curves.svg", 1),
    ];
    for (file, time) in files {
        for stage in ["begun", "half", "written", "renamed"] {
            let experiment = Experiment::new(&spec);
            experiment.die_at(&format!("{file}:{time}:{stage}"));
            experiment.finish();
            assert_same(&experiment, &whole);
        }
    }
}

#[test]
fn a_disk_that_is_full_for_a_moment_is_reported_and_changes_nothing() {
    let spec = ALL_STATES.replace("epochs = 6", "epochs = 2");
    let (whole, _) = Experiment::uninterrupted(&spec);
    for (file, time) in [
        ("runs.parquet", 2),
        ("metrics.parquet", 2),
        ("checkpoint", 1),
        ("checkpoint", 3),
        ("splits.parquet", 1),
        ("curves.svg", 1),
    ] {
        let experiment = Experiment::new(&spec);
        let mut command = experiment.command();
        command.env("RUNNER_FAIL_POINT", format!("{file}:{time}:full"));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{file}: {said}");
        assert!(
            said.contains("training continues") && said.contains(file),
            "{said}"
        );
        assert_same(&experiment, &whole);
    }
}

#[test]
fn death_while_features_are_written_loses_nothing() {
    let spec = r#"
        dataset = { name = "digits", train_limit = 400, test_limit = 20 }
        backbone = { arch = "vgg11_bn", weights = "random", input_size = 32 }
        freeze = { through = "all" }
        head = [{ layer = "flatten" }, { layer = "dense", units = "classes", activation = "softmax" }]
        training = { epochs = 1 }
    "#;
    let (whole, _) = Experiment::uninterrupted(spec);
    for stage in ["begun", "written", "renamed"] {
        let experiment = Experiment::new(spec);
        experiment.die_at(&format!("features:1:{stage}"));
        experiment.finish();
        assert_same(&experiment, &whole);
    }
}

#[test]
fn damaged_checkpoints_fall_back_to_the_one_before() {
    let (whole, _) = Experiment::uninterrupted(ALL_STATES);
    // The newest, the one before, both.
    for damaged in [vec![1], vec![0], vec![0, 1]] {
        let experiment = Experiment::new(ALL_STATES);
        experiment.die_at("checkpoint:7:renamed");
        let checkpoints = experiment.checkpoints();
        assert_eq!(
            checkpoints.len(),
            3,
            "the oldest is removed after the new one is there"
        );
        for which in &damaged {
            let path = &checkpoints[which + 1];
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }
        let said = experiment.finish();
        let newest = checkpoints[2].file_name().unwrap().to_str().unwrap();
        assert_eq!(said.contains(newest), damaged.contains(&1), "{said}");
        assert_same(&experiment, &whole);
    }
}

#[test]
fn an_epoch_is_gone_on_with_at_the_batch_it_was_in() {
    let experiment = Experiment::new(ALL_STATES);
    experiment.die_at("checkpoint:2:renamed");
    assert!(
        experiment
            .finish()
            .contains("resumes after 0 epochs and 2 batches")
    );
}

/// A head alone on kept features, then deeper with another optimizer and a best epoch that is put back, then the
/// backbone's end again, with the head of before.
const STAGES: &str = r#"
dataset = { name = "digits", train_limit = 60, test_limit = 20 }
backbone = { arch = "resnet18", weights = "random", input_size = 32 }
optimizer = { name = "adam", learning_rate = 3e-3 }
head = [{ layer = "pool" }, { layer = "dropout", rate = 0.2 }, { layer = "dense", units = "classes", activation = "softmax" }]
training = { batch_size = 24, checkpoint_minutes = 0 }

[[stage]]
name = "head"
epochs = 2
"freeze.through" = "all"

[[stage]]
name = "deeper"
epochs = 2
"freeze.through" = "layer3"
"optimizer.name" = "sgd"
"optimizer.momentum" = 0.9
"optimizer.schedule.kind" = "cosine"
"training.early_stopping" = { monitor = "val_loss", patience = 1, restore_best = true }
"training.ema" = 0.7

[[stage]]
name = "norms"
epochs = 1
"freeze.train" = ["layer1.*.bn1.*"]
"augmentation.horizontal_flip" = true
"training.accumulate" = 2
"training.ema" = 0.9
"#;

#[test]
fn killed_in_any_stage_a_run_ends_with_the_same_bytes() {
    let mut moments = Stream::new(4, Purpose::Sweep, 0, 0);
    survives(STAGES, kills() / 3, &mut moments);
}

/// A checkpoint after every batch of steps of three, whose dropout is drawn for each; an average that is evaluated, and of
/// which the best epoch's is saved.
const ACCUMULATED: &str = r#"
dataset = { name = "digits", train_limit = 60, test_limit = 20 }
backbone = { arch = "resnet18", weights = "random", input_size = 32 }
freeze = { through = "layer3" }
optimizer = { name = "adam", learning_rate = 3e-3, clip_norm = 1.0, schedule = { kind = "cosine", warmup_epochs = 1 } }
head = [{ layer = "pool" }, { layer = "dropout", rate = 0.2 }, { layer = "dense", units = "classes", activation = "softmax" }]
training = { epochs = 4, batch_size = 8, accumulate = 3, ema = 0.8, checkpoint_minutes = 0, early_stopping = { monitor = "val_loss", patience = 1, restore_best = true } }
"#;

#[test]
fn killed_inside_a_step_of_several_batches_a_run_ends_with_the_same_bytes() {
    let mut moments = Stream::new(5, Purpose::Sweep, 0, 0);
    survives(ACCUMULATED, kills() / 3, &mut moments);
    let (whole, _) = Experiment::uninterrupted(ACCUMULATED);
    let experiment = Experiment::new(ACCUMULATED);
    // After two batches of a step of three.
    experiment.die_at("checkpoint:2:renamed");
    let said = experiment.finish();
    assert!(
        said.contains("resumes after 0 epochs and 2 batches"),
        "{said}"
    );
    assert_same(&experiment, &whole);
}
