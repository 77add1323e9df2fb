//! Specs: arbitrary TOML, and valid specs with changes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use runner::spec::Experiment;
use toml::Value;

use super::mutation::{almost, seed};
use super::{cases, memory};
use crate::common::done_alone;

const GOOD: &str = r#"
seed = 3
dataset = { name = "digits", classes = ["1", 2], train_limit = 60, on_bad_image = "skip" }
backbone = { arch = "vgg11", weights = "random", input_size = 32 }
freeze = { through = "block2_pool" }
optimizer = { name = "sgd", momentum = 0.9, schedule = { kind = "cosine", warmup_epochs = 1 } }
training = { epochs = 3, metrics = ["accuracy"], early_stopping = { monitor = "val_loss", patience = 5 } }
[[head]]
layer = "flatten"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[sweep.axes]
"freeze.through" = ["none", 5]
seed = [0, 1]
"#;

/// Loads a spec and writes it out again, or shows its mistakes.
fn load_within(bytes: &[u8], folder: &std::path::Path) {
    let path = folder.join("a.toml");
    std::fs::write(&path, bytes).unwrap();
    let (shown, peak) = memory::peak(|| match Experiment::load_with(&path, &[], [], folder) {
        Ok(experiment) => experiment.to_toml().len(),
        Err(error) => error.render(true).len(),
    });
    assert!(shown > 0);
    let length = bytes.len();
    // A sweep of a few axes makes runs enough, each with a spec of its own.
    assert!(peak <= (32 << 20) + 10_000 * length, "{peak} for {length}");
}

#[test]
fn changed_specs() {
    if done_alone(changed_specs) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let good = GOOD.as_bytes().to_vec();
    seed("spec", &good);
    proptest!(cases(1500), |(bytes in almost(good))| load_within(&bytes, tmp.path()));
}

/// Keys of specs, and others.
fn key() -> impl Strategy<Value = String> {
    let known = "name seed extends dataset path classes validation_split on_bad_image normalization mean augmentation \
        backbone arch weights experiment freeze through head layer units rate activation optimizer learning_rate \
        schedule kind training epochs batch_size metrics early_stopping features memory tracking mlflow sweep strategy samples axes \
        freeze.through head.0.units 0 ö";
    let known: Vec<String> = known.split_whitespace().map(str::to_owned).collect();
    prop_oneof![9 => select(known), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let words = [
        "digits", "vgg11", "random", "none", "all", "grid", "flatten", "dense", "classes",
        "softmax", "8GiB", "",
    ];
    let leaf = prop_oneof![
        select(words.map(Value::from).to_vec()),
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3..9i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((key(), inner), 0..6)
                .prop_map(|entries| Value::Table(entries.into_iter().collect())),
        ]
    })
}

#[test]
fn arbitrary_toml() {
    if done_alone(arbitrary_toml) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let entries = vec((key(), value()), 0..10);
    proptest!(cases(1500), |(entries in entries, keeps in any::<bool>())| {
        // On top of what every spec needs, or alone.
        let mut table: toml::Table = if keeps { GOOD.parse().unwrap() } else { toml::Table::new() };
        table.extend(entries);
        if let Ok(text) = toml::to_string(&table) {
            load_within(text.as_bytes(), tmp.path());
        }
    });
}
