//! Any part of a backbone that trains, through the program.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use polars::prelude::*;

use crate::common::{runner, said, write};

/// A residual network with batch norms on a few digits.
const RESNET: &str = r#"
dataset = { name = "digits", train_limit = 48, test_limit = 16 }
backbone = { arch = "resnet18", weights = "random", input_size = 32 }
head = [{ layer = "pool" }, { layer = "dense", units = "classes", activation = "softmax" }]
training = { epochs = 1, batch_size = 16 }
"#;

fn with(more: &str) -> String {
    format!("{RESNET}\n{more}\n")
}

/// The status of `runner check` and what it says.
fn check(spec: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", spec);
    let output = runner(folder.path()).args(["check", "e.toml"]).output();
    let output = output.unwrap();
    (output.status.code(), said(&output))
}

/// The tensors of a run's model, as bytes, by the run's readable name.
fn models(folder: &Path) -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let runs = std::fs::read_dir(folder.join("results/e/runs")).unwrap();
    let model = |run: std::io::Result<std::fs::DirEntry>| {
        let path = run.unwrap().path();
        let bytes = std::fs::read(path.join("model.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensors = tensors.iter();
        let tensors = tensors.map(|(name, view)| (name.to_owned(), view.data().to_vec()));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (name, _) = name.rsplit_once('-').unwrap();
        (name.to_owned(), tensors.collect())
    };
    runs.map(model).collect()
}

/// The names of tensors in which two models differ.
fn differ<'a>(
    one: &'a BTreeMap<String, Vec<u8>>,
    other: &BTreeMap<String, Vec<u8>>,
) -> Vec<&'a str> {
    let all = one.iter().filter(|(name, bytes)| other[*name] != **bytes);
    all.map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_sweep_over_subsets_trains_each_and_leaves_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let axis = "[sweep.axes]\n\"freeze.train\" = [[], [\"*.bias\"], [\"layer4.1\", \"bn1\"]]";
    write(folder.path(), "e.toml", &with(axis));
    runner(folder.path()).arg("e.toml").assert().success();

    let models = models(folder.path());
    let names: Vec<&str> = models.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["train=_.bias", "train=layer4.1,bn1", "train=nothing"]
    );
    let head = &models["train=nothing"];
    let in_head = |name: &str| name.starts_with("fc.");
    let of_norm = |name: &str| name.contains(".running_");
    for name in differ(&models["train=_.bias"], head) {
        assert!(
            name.ends_with(".bias") || in_head(name) || of_norm(name),
            "{name}"
        );
    }
    let changed = differ(&models["train=layer4.1,bn1"], head);
    for name in &changed {
        let chosen = name.starts_with("layer4.1.") || name.starts_with("bn1.");
        assert!(chosen || in_head(name), "{name}");
    }
    assert!(changed.contains(&"layer4.1.conv2.weight") && changed.contains(&"bn1.running_var"));

    let file = File::open(folder.path().join("results/e/runs.parquet")).unwrap();
    let table = ParquetReader::new(file).finish().unwrap();
    let column = table.column("freeze.train").unwrap().str().unwrap();
    let values: Vec<&str> = column.iter().flatten().collect();
    assert_eq!(values, ["[]", "[\"*.bias\"]", "[\"layer4.1\", \"bn1\"]"]);
    let charts = folder.path().join("results/e/charts");
    assert!(charts.join("compare_freeze.train.svg").is_file());
}

#[test]
fn check_says_what_trains() {
    let (status, text) = check(&with("freeze = { train = [\"*.bias\"] }"));
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("20 of 60 tensors of the backbone trained"),
        "{text}"
    );
    assert!(text.contains("partly frozen"), "{text}");
    let (_, text) = check(&with("freeze = { train = [\"layer4\"] }"));
    assert!(text.contains("frozen through layer3"), "{text}");
}

#[test]
fn a_boundary_in_other_words_is_the_same_run() {
    let id = |freeze: &str| {
        let (status, text) = check(&with(freeze));
        assert_eq!(status, Some(0), "{text}");
        let line = text.lines().find(|line| line.starts_with("  run-"));
        line.unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let layer3 = id("freeze = { through = \"layer3\" }");
    assert_eq!(id("freeze = { train = [\"layer4\"] }"), layer3);
    assert_eq!(
        id("freeze = { train = [\"layer4.0\", \"layer4.1.*\"] }"),
        layer3
    );
    assert_eq!(
        id("freeze = { train = [] }"),
        id("freeze = { through = \"all\" }")
    );
    assert_eq!(id("freeze = { train = [\"*\"] }"), id(""));
    assert_eq!(
        id("freeze = { through = \"none\", train = [\"*\"] }"),
        id("")
    );
    assert_ne!(id("freeze = { train = [\"layer3\"] }"), layer3);
}

#[test]
fn mistakes_are_shown_at_their_place() {
    for (more, status, fragments) in [
        (
            "[freeze]\ntrain = [\"*.bias\", \"layr4\"]",
            2,
            &[
                "e.toml:8:20",
                "`layr4` fits no tensor",
                "did you mean `layer4`?",
            ][..],
        ),
        (
            "[freeze]\nthrough = \"layer3\"\ntrain = [\"layer4\"]",
            2,
            &[
                "e.toml:9:9",
                "`freeze.train` and `freeze.through`",
                "remove one of them",
            ],
        ),
        (
            "[freeze]\ntrain = [\"layer[4\"]",
            2,
            &["e.toml:8:10", "is no glob"],
        ),
        (
            "[freeze]\ntrain = \"layer4\"",
            2,
            &["e.toml:8:9", "`freeze.train` must be a list"],
        ),
        (
            "[sweep.axes]\n\"freeze.train\" = [[\"layer4\"], [\"layer9\"]]",
            2,
            &["e.toml:8:32", "`layer9` fits no tensor"],
        ),
        (
            "[sweep.axes]\n\"freeze.train\" = [[\"layer4\"], [\"layer4.*\"]]",
            2,
            &["two runs of the sweep are the same"],
        ),
        // Behind the last block comes the pooling, which has no weights.
        (
            "[sweep.axes]\n\"freeze.through\" = [\"all\", \"layer4\"]",
            2,
            &["e.toml:8:28", "two runs of the sweep are the same"],
        ),
        (
            "[sweep.axes]\n\"freeze.through\" = [\"act1\", \"maxpool\"]",
            2,
            &["two runs of the sweep are the same"],
        ),
        (
            "[sweep.axes]\n\"freeze.through\" = [\"all\", \"layer3\"]",
            0,
            &["frozen through layer3"],
        ),
        (
            "[freeze]\nbatch_norm = \"batch\"",
            2,
            &["e.toml:8:14", "\"frozen\", \"statistics\", \"train\""],
        ),
        (
            "[freeze]\nbatch_norm = \"statistics\"",
            0,
            &["changes nothing where resnet18 has no frozen batch norm"],
        ),
    ] {
        let (found, text) = check(&with(more));
        assert_eq!(found, Some(status), "{text}");
        for fragment in fragments {
            assert!(text.contains(fragment), "{fragment} in:\n{text}");
        }
    }
}
