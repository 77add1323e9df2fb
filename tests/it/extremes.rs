//! Every number of the schema at its extremes: refused at its key, or taken; nothing else.

use std::collections::BTreeMap;
use std::fs;

use runner::experiment::{self, Error};
use runner::model::weights;
use runner::spec::json_schema;
use serde_json::Value;

use crate::common::{SMALL, runner, said, write};

/// Every key whose value the schema lets be a number, with what makes a spec have it.
fn numeric_keys() -> Vec<String> {
    let schema = json_schema();
    let mut keys = Vec::new();
    collect(&schema, &schema, String::new(), 0, &mut keys);
    keys.sort();
    keys.dedup();
    keys
}

fn collect(schema: &Value, node: &Value, key: String, depth: usize, keys: &mut Vec<String>) {
    if depth > 12 || key == "sweep.axes" {
        return;
    }
    if let Some(name) = node["$ref"].as_str() {
        let inner = schema.pointer(name.trim_start_matches('#')).unwrap();
        collect(schema, inner, key.clone(), depth + 1, keys);
    }
    for list in ["allOf", "anyOf", "oneOf"] {
        for part in node[list].as_array().into_iter().flatten() {
            collect(schema, part, key.clone(), depth + 1, keys);
        }
    }
    if matches!(node["type"].as_str(), Some("integer" | "number")) {
        keys.push(key.clone());
    }
    let dotted = |part: &str| match key.as_str() {
        "" => part.to_owned(),
        key => format!("{key}.{part}"),
    };
    for (part, node) in node["properties"].as_object().into_iter().flatten() {
        collect(schema, node, dotted(part), depth + 1, keys);
    }
    if node["items"].is_object() {
        collect(schema, &node["items"], dotted("0"), depth + 1, keys);
    }
}

const EXTREMES: [&str; 16] = [
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "4294967296",
    "-1",
    "0",
    "1",
    "1000000000000",
    "1e308",
    "-1e308",
    "5e-324",
    "nan",
    "inf",
    "-inf",
    "-0.0",
    "\"999999999999TiB\"",
];

#[test]
fn every_number_is_refused_at_its_key_or_taken() {
    let tmp = tempfile::tempdir().unwrap();
    let keys = numeric_keys();
    for known in [
        "seed",
        "backbone.input_size",
        "head.0.units",
        "optimizer.schedule.patience",
        "features.memory",
    ] {
        assert!(
            keys.iter().any(|key| key == known),
            "{known} is not in {keys:?}"
        );
    }
    let whole = SMALL.replace("units = \"classes\"", "units = 10");
    let path = write(tmp.path(), "small.toml", &whole);
    for key in keys {
        for value in EXTREMES {
            // A list's first value by the whole list, a head layer's by a layer that has it.
            let set = match key.strip_suffix(".0") {
                Some(list) => format!("{list}=[{value}]"),
                None => format!("{}={value}", key.replace("head.0", "head.1")),
            };
            match experiment::check(&path, std::slice::from_ref(&set)) {
                Ok(_) => {}
                Err(Error::Spec(error)) => {
                    let text = error.to_string();
                    // One is a good number; what it leaves of the images may be too little.
                    let key = set.split('=').next().unwrap();
                    assert!(value == "1" || text.contains(key), "{set}: {text}");
                }
                Err(other) => panic!("{set}: {other}"),
            }
        }
    }
}

#[test]
fn what_is_out_of_range_is_refused_with_the_range() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    for (set, range) in [
        (
            "backbone.input_size=9223372036854775807",
            "at least 1 and at most 16,384",
        ),
        (
            "training.batch_size=9223372036854775807",
            "at least 1 and at most 1,000,000",
        ),
        (
            "training.epochs=9223372036854775807",
            "at least 1 and at most 1,000,000",
        ),
        (
            "head.1.units=9223372036854775807",
            "at least 1 and at most 1,000,000",
        ),
        (
            "training.checkpoint_minutes=1e308",
            "a finite number, 0 or more",
        ),
        (
            "optimizer.learning_rate=inf",
            "a finite number greater than 0",
        ),
        ("features.memory=999999999999TiB", "999999999999TiB"),
        ("features.memory=-1", "a size"),
    ] {
        let output = runner(tmp.path())
            .args(["small.toml", "--set", set])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{set}: {}", said(&output));
        let text = said(&output);
        assert!(
            text.contains(range) && text.contains(&format!("--> --set {set}")),
            "{text}"
        );
    }
}

/// A number of a model's spec that is exchanged: its pointer and the value.
type Lie = (&'static str, Value);

#[test]
fn a_model_that_says_it_is_huge_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    runner(tmp.path()).arg("small.toml").assert().success();
    let runs = tmp.path().join("results/small/runs");
    let run = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let file = weights::read(&run.join("model.safetensors")).unwrap();
    image::RgbImage::new(8, 8)
        .save(tmp.path().join("a.png"))
        .unwrap();
    let lies: [Lie; 7] = [
        ("/backbone/input_size", 1_000_000_000_000_u64.into()),
        ("/backbone/input_size", u64::MAX.into()),
        ("/head/1/units", 1_000_000_000_000_u64.into()),
        ("/head/1/units", 999_999.into()),
        ("/training/batch_size", u64::MAX.into()),
        ("/training/batch_size", 0.into()),
        ("/seed", u64::MAX.into()),
    ];
    for (at, value) in lies {
        let mut spec: Value = serde_json::from_str(&file.metadata["spec"]).unwrap();
        *spec.pointer_mut(at).unwrap() = value.clone();
        let mut metadata: BTreeMap<String, String> = file.metadata.clone();
        metadata.insert("spec".into(), spec.to_string());
        let model = tmp.path().join("lying.safetensors");
        weights::save(&model, &file.tensors, &metadata).unwrap();
        for command in [
            &["evaluate", "lying.safetensors"][..],
            &["predict", "lying.safetensors", "a.png"],
        ] {
            let output = runner(tmp.path()).args(command).output().unwrap();
            let text = said(&output);
            let code = output.status.code();
            assert!(
                matches!(code, Some(1 | 2)),
                "{at} = {value}: {code:?} {text}"
            );
            assert!(
                text.contains("lying.safetensors") && !text.contains("panicked"),
                "{text}"
            );
        }
    }
}
