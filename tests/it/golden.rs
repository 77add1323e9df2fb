//! Golden runs of Keras, reproduced step by step (`shared/golden/README.md` gives the tolerance).

use std::collections::BTreeMap;
use std::path::Path;

use runner::claim::Token;
use runner::model::weights::{self, HostTensor};
use runner::progress::NoProgress;
use runner::run::{Event, Executor, Workspace};
use runner::spec::Experiment;
use runner::stop::Stop;
use runner::sweep::Plan;
use runner::train::{self, Batch};
use serde_json::Value;

use crate::common;

/// The loss of every step, from the means over the epoch so far.
#[derive(Default)]
struct Steps {
    losses: Vec<f64>,
    sum: f64,
}

impl Steps {
    fn batch(&mut self, batch: &Batch) {
        let sum = batch.loss * batch.images as f64;
        let size = 32.0;
        self.losses.push((sum - self.sum) / size);
        self.sum = sum;
    }
}

/// splitmix64, as `golden.py` computes its weights with.
fn splitmix64(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Kernel number `t` of `golden.py` (Keras layout `[h, w, in, out]`) as PyTorch lays it out.
fn kernel(seed: u64, t: u64, [h, w, i, o]: [usize; 4], dense: bool) -> HostTensor {
    let limit = (6.0 / (h * w * i) as f64).sqrt();
    let value = |index: usize| {
        let bits = splitmix64((seed << 48) + (t << 32) + index as u64) >> 40;
        ((2.0 * (bits as f64 / f64::from(1 << 24)) - 1.0) * limit) as f32
    };
    let mut data = Vec::with_capacity(h * w * i * o);
    for out in 0..o {
        for input in 0..i {
            for y in 0..h {
                for x in 0..w {
                    data.push(value(((y * w + x) * i + input) * o + out));
                }
            }
        }
    }
    HostTensor {
        shape: if dense { vec![o, i] } else { vec![o, i, h, w] },
        data,
    }
}

/// The whole starting model, as the runner saves models.
fn starting_weights(seed: u64) -> BTreeMap<String, HostTensor> {
    let mut tensors = BTreeMap::new();
    let mut vector = |name: &str, len: usize, value: f32| {
        tensors.insert(
            name.to_owned(),
            HostTensor {
                shape: vec![len],
                data: vec![value; len],
            },
        );
    };
    for (suffix, value) in [
        ("weight", 1.0),
        ("bias", 0.0),
        ("running_mean", 0.0),
        ("running_var", 1.0),
    ] {
        vector(&format!("batch_normalization.{suffix}"), 256, value);
    }
    let mut layers = Vec::new();
    let mut input = 3;
    for (block, (count, filters)) in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]
        .into_iter()
        .enumerate()
    {
        for conv in 1..=count {
            layers.push((
                format!("block{}_conv{conv}", block + 1),
                [3, 3, input, filters],
            ));
            input = filters;
        }
    }
    layers.push(("dense".into(), [1, 1, 512, 256]));
    layers.push(("dense_1".into(), [1, 1, 256, 10]));
    for (name, [.., filters]) in &layers {
        vector(&format!("{name}.bias"), *filters, 0.0);
    }
    for (t, (name, shape)) in layers.into_iter().enumerate() {
        let dense = name.starts_with("dense");
        tensors.insert(
            format!("{name}.weight"),
            kernel(seed, t as u64, shape, dense),
        );
    }
    tensors
}

fn spec(golden: &Value, weights: &Path) -> String {
    let momentum = golden["momentum"]
        .as_f64()
        .map_or(String::new(), |m| format!("momentum = {m}"));
    format!(
        r#"
        [dataset]
        name = "cifar10"
        path = {data:?}
        train_limit = {images}
        test_limit = 256
        validation_split = 0.0
        [backbone]
        arch = "vgg16"
        weights = "random"
        [freeze]
        through = {freeze}
        [[head]]
        layer = "flatten"
        [[head]]
        layer = "dense"
        units = 256
        activation = "relu"
        [[head]]
        layer = "batch_normalization"
        [[head]]
        layer = "dropout"
        rate = 0.0
        [[head]]
        layer = "dense"
        units = "classes"
        activation = "softmax"
        [optimizer]
        name = {optimizer}
        learning_rate = {rate}
        {momentum}
        [training]
        epochs = 1
        shuffle = false
        initial_weights = {weights:?}
        device = {device:?}
        "#,
        device = common::DEVICE,
        data = common::shared().join("data/cifar10"),
        images = 32 * golden["steps"].as_array().map_or(0, Vec::len),
        freeze = golden["freeze"],
        optimizer = golden["optimizer"],
        rate = golden["learning_rate"],
    )
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs()
}

/// Trains as the golden run did and compares every step, their mean, and the test loss.
fn reproduces(name: &str) {
    let text = std::fs::read_to_string(common::shared().join("golden").join(name)).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start.safetensors");
    weights::save(
        &start,
        &starting_weights(golden["seed"].as_u64().unwrap()),
        &BTreeMap::new(),
    )
    .unwrap();
    let path = common::write(folder.path(), "golden.toml", &spec(&golden, &start));

    let experiment = Experiment::load(&path, &[]).unwrap();
    let plan = Plan::new(&experiment).unwrap();
    let mut steps = Steps::default();
    let place = Workspace {
        folder: folder.path(),
        shared: folder.path(),
        stop: &Stop::default(),
        token: &Token::unclaimed(),
        threads: None,
    };
    let finished = Executor::new(Stop::default(), &NoProgress)
        .unwrap()
        .run(&plan.runs[0], place, &mut |event| {
            if let Event::Training(train::Event::Batch(batch)) = event {
                steps.batch(&batch);
            }
        })
        .unwrap();

    let bound = |key: &str| (3.0 * golden["spread"][key].as_f64().unwrap()).max(1e-4);
    let expected: Vec<f64> = golden["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["loss"].as_f64().unwrap())
        .collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let test = finished.test.unwrap().loss;
    let far: Vec<f64> = steps
        .losses
        .iter()
        .zip(&expected)
        .map(|(a, b)| relative(*a, *b))
        .collect();
    let mean_far = relative(mean(&steps.losses), mean(&expected));
    let test_far = relative(test, golden["test_256"]["loss"].as_f64().unwrap());
    println!("{name}: steps {far:?}, mean {mean_far:.1e}, test {test_far:.1e}");

    assert_eq!(steps.losses.len(), expected.len());
    assert!(far[0] < 1e-5, "first step: {:e}", far[0]);
    assert!(
        far.iter().all(|far| *far < bound("step_loss")),
        "steps: {far:?}"
    );
    assert!(mean_far < bound("mean_loss"), "mean: {mean_far:e}");
    assert!(test_far < bound("test_loss"), "test: {test_far:e}");
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the golden runs, which are not there")]
fn the_head_alone_trains_as_in_keras() {
    reproduces("vgg16_adam_freeze19.json");
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the golden runs, which are not there")]
fn block5_and_the_head_train_as_in_keras() {
    reproduces("vgg16_adam_freeze15.json");
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the golden runs, which are not there")]
fn the_whole_network_trains_with_adam_as_in_keras() {
    reproduces("vgg16_adam_freeze0.json");
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the golden runs, which are not there")]
fn the_whole_network_trains_with_sgd_as_in_keras() {
    reproduces("vgg16_sgd_freeze0.json");
}
