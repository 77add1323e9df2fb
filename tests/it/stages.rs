//! `[[stage]]`: parts of a run, one after another.

use std::fs;
use std::path::Path;

use polars::prelude::*;
use tempfile::tempdir;

use crate::common::{runner, said};

/// Plain gradient descent, which has no state of its own.
const SPEC: &str = r#"
name = "a"
dataset = { name = "digits", train_limit = 60, test_limit = 20 }
backbone = { arch = "resnet18", weights = "random", input_size = 32 }
freeze = { through = "layer3" }
optimizer = { name = "sgd", learning_rate = 0.01 }
head = [{ layer = "pool" }, { layer = "dropout", rate = 0.2 }, { layer = "dense", units = "classes", activation = "softmax" }]
training = { epochs = 3, batch_size = 24 }
"#;

fn run(folder: &Path, spec: &str) -> String {
    fs::write(folder.join("a.toml"), spec).unwrap();
    let output = runner(folder).args(["a.toml", "--fresh"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

fn epochs(folder: &Path) -> DataFrame {
    let file = fs::File::open(folder.join("results/a/metrics.parquet")).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

/// The losses of the saved model and of each epoch, training and validation.
fn losses(folder: &Path) -> Vec<f64> {
    let table = epochs(folder);
    let column = |name| table.column(name).unwrap().f64().unwrap().clone();
    let both = [column("loss"), column("val_loss")];
    both.iter()
        .flat_map(|c| c.iter().flatten().collect::<Vec<_>>())
        .collect()
}

#[test]
fn stages_that_change_nothing_are_one_run() {
    let (whole, parts) = (tempdir().unwrap(), tempdir().unwrap());
    run(whole.path(), SPEC);
    let stages = "[[stage]]\nname = \"one\"\nepochs = 1\n[[stage]]\nname = \"two\"\nepochs = 2\n";
    run(parts.path(), &format!("{SPEC}{stages}"));
    assert_eq!(losses(whole.path()), losses(parts.path()));
    let table = epochs(parts.path());
    let names: Vec<_> = table
        .column("stage")
        .unwrap()
        .str()
        .unwrap()
        .iter()
        .collect();
    assert_eq!(names, [Some("one"), Some("two"), Some("two")]);
    let numbers: Vec<_> = table
        .column("epoch")
        .unwrap()
        .i32()
        .unwrap()
        .iter()
        .collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
}

#[test]
fn what_a_stage_freezes_stays_and_what_it_does_not_moves() {
    let folder = tempdir().unwrap();
    let stages = |second: &str| {
        format!(
            "{SPEC}[[stage]]\nname = \"head\"\nepochs = 1\n\"freeze.through\" = \"all\"\n\
             [[stage]]\nname = \"fine\"\nepochs = 1\n{second}"
        )
    };
    let tensor = |name: &str| {
        let runs = fs::read_dir(folder.path().join("results/a/runs")).unwrap();
        let run = runs
            .map(|run| run.unwrap().path())
            .max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
        let bytes = fs::read(run.unwrap().join("model.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        file.tensor(name).unwrap().data().to_vec()
    };
    let names = [
        "layer4.1.conv2.weight",
        "layer3.0.conv1.weight",
        "fc.weight",
    ];
    run(folder.path(), &stages("\"freeze.through\" = \"all\"\n"));
    let all = names.map(tensor);
    run(folder.path(), &stages("\"freeze.through\" = \"layer3\"\n"));
    let deeper = names.map(tensor);
    assert_ne!(all[0], deeper[0]);
    assert_eq!(all[1], deeper[1]);
    assert_ne!(all[2], deeper[2]);
}

#[test]
fn the_plan_says_what_each_stage_trains() {
    let folder = tempdir().unwrap();
    let stages = "[[stage]]\nname = \"head\"\nepochs = 1\n\"freeze.through\" = \"all\"\n\
                  [[stage]]\nname = \"fine\"\nepochs = 4\n\"optimizer.learning_rate\" = 1e-4\n";
    fs::write(folder.path().join("a.toml"), format!("{SPEC}{stages}")).unwrap();
    let output = runner(folder.path())
        .args(["check", "a.toml"])
        .output()
        .unwrap();
    let said = said(&output);
    for line in [
        "head: frozen through global_pool, 5,130 trained parameters, 1 epoch, sgd at a learning rate of 0.01",
        "fine: frozen through layer3, ",
        "4 epochs, sgd at a learning rate of 0.0001",
        "54 images × 5 epochs",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn mistakes_in_a_stage_are_shown_at_their_place() {
    let folder = tempdir().unwrap();
    for (stage, fragments) in [
        (
            "\"freeze.trough\" = \"all\"",
            ["a.toml:11:19", "did you mean \"freeze.through\"?"],
        ),
        (
            "\"freeze.through\" = \"layer9\"",
            ["a.toml:11:20", "layer9"],
        ),
        (
            "\"dataset.name\" = \"mnist\"",
            ["a.toml:11:18", "is the same for all stages of a run"],
        ),
        (
            "\"optimizer.learning_rate\" = -1",
            ["a.toml:11:29", "optimizer.learning_rate"],
        ),
        (
            "\"optimizer.learning_rate\" = \"fast\"",
            ["a.toml:11:29", "fast"],
        ),
        (
            "\"training.epochs\" = 3",
            ["a.toml:11:21", "what a stage can set"],
        ),
        ("freeze = \"all\"", ["a.toml:11:10", "what a stage can set"]),
    ] {
        let text = format!(
            "{}\n[[stage]]\nname = \"x\"\nepochs = 1\n{stage}\n",
            SPEC.trim()
        );
        fs::write(folder.path().join("a.toml"), text).unwrap();
        let output = runner(folder.path())
            .args(["check", "a.toml"])
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        for fragment in fragments {
            assert!(
                said.contains(fragment),
                "{stage}: {fragment} is not in {said}"
            );
        }
    }
}

#[test]
fn a_stage_without_a_name_or_epochs_is_refused() {
    let folder = tempdir().unwrap();
    for (stage, fragment) in [
        ("epochs = 1", "name"),
        ("name = \"x\"", "epochs"),
        ("name = \"x\"\nepochs = 0", "1 to 1,000,000 epochs"),
        (
            "name = \"x\"\nepochs = 1\n[[stage]]\nname = \"x\"\nepochs = 1",
            "two stages are named",
        ),
    ] {
        fs::write(
            folder.path().join("a.toml"),
            format!("{SPEC}\n[[stage]]\n{stage}\n"),
        )
        .unwrap();
        let output = runner(folder.path())
            .args(["check", "a.toml"])
            .output()
            .unwrap();
        let said = said(&output);
        assert!(
            output.status.code() == Some(2) && said.contains(fragment),
            "{stage}: {said}"
        );
        assert_eq!(said.matches("error:").count(), 1, "{stage}: {said}");
    }
}

#[test]
fn axes_reach_into_stages_and_not_into_what_these_do_not_use() {
    let folder = tempdir().unwrap();
    let stages = "[[stage]]\nname = \"head\"\nepochs = 1\n\"freeze.through\" = \"all\"\n\
                  [[stage]]\nname = \"fine\"\nepochs = 4\n";
    fs::write(folder.path().join("a.toml"), format!("{SPEC}{stages}")).unwrap();
    let check = |axis: &str| {
        let set = format!("sweep.axes.{axis}");
        let mut command = runner(folder.path());
        let output = command.args(["check", "a.toml", "--set", &set]).output();
        said(&output.unwrap())
    };
    let said = check("\"stage.1.epochs\"=[2, 3]");
    assert!(
        said.contains("2 runs") && said.contains("3 epochs"),
        "{said}"
    );
    let through = "'stage.1.\"freeze.through\"'=[\"layer2\", \"layer3\"]";
    let said = check(through);
    assert!(said.contains("fine: frozen through layer2"), "{said}");
    let said = check("\"training.epochs\"=[2, 3]");
    assert!(
        said.contains("is not used where a run has stages"),
        "{said}"
    );
}
