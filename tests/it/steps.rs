//! Steps of several batches, and weights averaged over steps, through the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use polars::prelude::*;

use crate::common::{runner, said, write};

/// A network without batch norms or dropout, by steps with a state, a bounded gradient and a changing rate; 68 training
/// images, so that an epoch's last step has fewer.
const PLAIN: &str = r#"
dataset = { name = "digits", train_limit = 68, test_limit = 20, validation_split = 0 }
backbone = { arch = "vgg11", weights = "random", input_size = 32 }
freeze = { through = "block3_pool" }
optimizer = { name = "sgd", learning_rate = 0.05, momentum = 0.9, clip_norm = 1.0, schedule = { kind = "cosine", warmup_epochs = 1 } }
head = [{ layer = "flatten" }, { layer = "dense", units = "classes", activation = "softmax" }]
training = { epochs = 3, metrics = ["accuracy"] }
"#;

/// With batch norms, without a state or a changing rate; an epoch is a step.
const STEP: &str = r#"
dataset = { name = "digits", train_limit = 60, test_limit = 20 }
backbone = { arch = "resnet18", weights = "random", input_size = 32 }
freeze = { through = "layer3" }
optimizer = { name = "sgd", learning_rate = 0.05 }
head = [{ layer = "pool" }, { layer = "dense", units = "classes", activation = "softmax" }]
training = { batch_size = 54 }
"#;

type Tensors = BTreeMap<String, Vec<f32>>;

/// What the runner does with these arguments and values.
fn with(folder: &Path, arguments: &[&str], set: &[&str]) -> Output {
    let mut command = runner(folder);
    command.args(arguments);
    set.iter().for_each(|set| {
        command.args(["--set", set]);
    });
    command.output().unwrap()
}

/// What `check` says of the spec with these values.
fn checked(folder: &Path, set: &[&str]) -> String {
    said(&with(folder, &["check", "e.toml"], set))
}

/// Does a spec's only run with these values; gives its model.
fn model(folder: &Path, spec: &str, set: &[&str]) -> Tensors {
    write(folder, "e.toml", spec);
    let _ = fs::remove_dir_all(folder.join("results"));
    let output = with(folder, &["e.toml"], set);
    assert!(output.status.success(), "{}", said(&output));
    let runs = fs::read_dir(folder.join("results/e/runs")).unwrap();
    let run = runs.map(|run| run.unwrap().path()).next().unwrap();
    let bytes = fs::read(run.join("model.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let values = |data: &[u8]| {
        let values = data.as_chunks::<4>().0.iter();
        values.map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let tensors = file.tensors().into_iter();
    tensors
        .map(|(name, view)| (name, values(view.data())))
        .collect()
}

/// The largest difference of two models.
fn difference(one: &Tensors, other: &Tensors) -> f32 {
    assert!(one.keys().eq(other.keys()));
    let pairs = one.values().zip(other.values());
    let differences = pairs.flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).abs()));
    differences.fold(0.0, f32::max)
}

/// A column of `metrics.parquet`.
fn column(folder: &Path, name: &str) -> Vec<Option<f64>> {
    let file = fs::File::open(folder.join("results/e/metrics.parquet")).unwrap();
    let table = ParquetReader::new(file).finish().unwrap();
    table.column(name).unwrap().f64().unwrap().iter().collect()
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    let folder = tempfile::tempdir().unwrap();
    let of = |batch, accumulate| {
        let set = [
            format!("training.batch_size={batch}"),
            format!("training.accumulate={accumulate}"),
        ];
        let set = [set[0].as_str(), set[1].as_str()];
        let model = model(folder.path(), PLAIN, &set);
        (model, column(folder.path(), "loss"))
    };
    let (whole, losses) = of(24, 1);
    for (batch, accumulate) in [(8, 3), (6, 4), (1, 24)] {
        let (parts, of_parts) = of(batch, accumulate);
        let found = difference(&whole, &parts);
        assert!(found < 1e-5, "{batch} × {accumulate}: {found}");
        for (a, b) in losses.iter().zip(&of_parts) {
            assert!((a.unwrap() - b.unwrap()).abs() < 1e-5, "{a:?} {b:?}");
        }
    }
    // The comparison can tell.
    let (other, _) = of(24, 3);
    assert!(difference(&whole, &other) > 1e-3);
}

#[test]
fn averaged_weights_are_saved_and_training_continues_with_its_own() {
    const DECAY: f32 = 0.6;
    let folder = tempfile::tempdir().unwrap();
    let of = |epochs: usize, more: &[&str]| {
        let epochs = format!("training.epochs={epochs}");
        let set: Vec<&str> = [epochs.as_str()]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        model(folder.path(), STEP, &set)
    };
    let mut expected = of(1, &[]);
    for epochs in 2..=4 {
        for (name, values) in of(epochs, &[]) {
            let average = expected.get_mut(&name).unwrap();
            let pairs = average.iter_mut().zip(values);
            pairs.for_each(|(a, w)| *a = DECAY * *a + (1.0 - DECAY) * w);
        }
    }
    let losses = column(folder.path(), "loss");
    let plain = column(folder.path(), "val_loss");
    let averaged = of(4, &["training.ema=0.6"]);
    let found = difference(&expected, &averaged);
    assert!(found < 1e-6, "{found}");
    // The moving statistics are averaged too.
    let own = of(4, &[]);
    let moved = |name: &str| averaged[name] != own[name];
    assert!(moved("layer4.1.bn2.running_mean") && moved("fc.weight"));
    of(4, &["training.ema=0.6"]);
    assert_eq!(column(folder.path(), "loss"), losses);
    let validation = column(folder.path(), "val_loss");
    // The average after the first step is the weights.
    assert_eq!(validation[0], plain[0]);
    assert_ne!(validation[1..], plain[1..]);
}

#[test]
fn what_a_stage_leaves_are_its_averaged_weights() {
    let folder = tempfile::tempdir().unwrap();
    let stages = |second: &str| {
        format!(
            "{STEP}[[stage]]\nname = \"one\"\nepochs = 3\n\"training.ema\" = 0.9\n\
             [[stage]]\nname = \"two\"\nepochs = 1\n\"optimizer.learning_rate\" = 1e-30\n{second}"
        )
    };
    let first = model(
        folder.path(),
        STEP,
        &["training.epochs=3", "training.ema=0.9"],
    );
    let both = model(folder.path(), &stages(""), &[]);
    // The second stage's steps change no weight.
    let name = "layer4.1.conv2.weight";
    assert_eq!(first[name], both[name]);
    let plain = model(folder.path(), STEP, &["training.epochs=3"]);
    assert_ne!(plain[name], both[name]);
}

#[test]
fn check_says_what_a_step_is() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", PLAIN);
    let check = |set: &[&str]| checked(folder.path(), set);
    let text = check(&["training.accumulate=3", "training.ema=0.9"]);
    let line =
        "steps                  of 3 batches, 96 images; weights averaged over them (ema 0.9)\n";
    assert!(text.contains(line), "{text}");
    assert!(!check(&[]).contains("steps  "));
}

#[test]
fn steps_of_no_batches_and_averages_that_keep_all_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", PLAIN);
    for (set, fragment) in [
        (
            "training.accumulate=0",
            "must be at least 1 and at most 65,536",
        ),
        ("training.accumulate=1.5", "training.accumulate"),
        ("training.ema=1", "must be"),
        ("training.ema=-0.1", "must be"),
        ("training.emma=0.9", "did you mean `ema`?"),
    ] {
        let output = with(folder.path(), &["check", "e.toml"], &[set]);
        let said = said(&output);
        let is_refused = output.status.code() == Some(2) && said.contains(fragment);
        assert!(is_refused, "{set}: {said}");
    }
}

#[test]
fn values_that_change_nothing_leave_a_run_its_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", PLAIN);
    let id = |set: &[&str]| {
        let said = checked(folder.path(), set);
        let line = said.lines().find(|line| line.contains("run-")).unwrap();
        let at = line.find("run-").unwrap();
        line[at..at + 12].to_owned()
    };
    let plain = id(&[]);
    assert_eq!(id(&["training.accumulate=1", "training.ema=0"]), plain);
    assert_ne!(id(&["training.accumulate=2"]), plain);
    assert_ne!(id(&["training.ema=0.9"]), plain);
}
