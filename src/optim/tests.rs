use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};

use super::*;
use crate::spec;

const STEPS: usize = 6;

/// `[optimizer]` of a spec.
fn options(table: &str) -> spec::Optimizer {
    toml::from_str(table).unwrap()
}

fn new(spec: &spec::Optimizer, parameters: &[(String, Var)]) -> Optimizer {
    Optimizer::new(spec.rule(), spec.weight_decay(), parameters).unwrap()
}

fn of_tensor_operations(spec: &spec::Optimizer, parameters: &[(String, Var)]) -> Optimizer {
    Optimizer::of_tensor_operations(spec.rule(), spec.weight_decay(), parameters).unwrap()
}

/// Weights of `len` values, and their gradients at step `t`, as in the Keras script below.
fn weights(len: usize) -> Var {
    let values: Vec<f32> = (0..len).map(|i| (i as f32 - 2.0) / 2.0).collect();
    Var::from_vec(values, len, &Device::Cpu).unwrap()
}

fn gradients(var: &Var, t: usize) -> GradStore {
    let value = |i: usize| (((i * 3 + t * 5) % 7) as f32 - 3.0) / 4.0;
    let values: Vec<f32> = (0..var.elem_count()).map(value).collect();
    let gradient = Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap();
    let loss = (var.as_tensor() * gradient).unwrap().sum_all().unwrap();
    loss.backward().unwrap()
}

fn parameters(var: &Var) -> Vec<(String, Var)> {
    vec![("dense.weight".to_string(), var.clone())]
}

fn values(var: &Var) -> Vec<f32> {
    var.flatten_all().unwrap().to_vec1().unwrap()
}

fn train(
    optimizer: &mut Optimizer,
    spec: &spec::Optimizer,
    var: &Var,
    steps: std::ops::Range<usize>,
) {
    for t in steps {
        optimizer
            .step(&gradients(var, t), spec.learning_rate())
            .unwrap();
    }
}

/// From Keras 3.15.1 on TensorFlow 2.21:
/// ```python
/// import numpy as np, keras
/// O = keras.optimizers
/// for o in [O.SGD(), O.SGD(0.1, momentum=0.9), O.SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.05),
///           O.Adam(), O.Adam(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-3, weight_decay=0.1),
///           O.AdamW(), O.AdamW(0.01, weight_decay=0.2),
///           O.RMSprop(), O.RMSprop(0.02, rho=0.7, momentum=0.5, epsilon=1e-2, weight_decay=0.03)]:
///     w = keras.Variable((np.arange(5) - 2).astype("float32") / 2)
///     for t in range(6):
///         g = ((np.arange(5) * 3 + t * 5) % 7 - 3).astype("float32") / 4
///         o.apply([keras.ops.convert_to_tensor(g)], [w])
///     print(np.asarray(w).tolist())
/// ```
#[test]
fn six_steps_of_each_optimizer_end_where_keras_ends() {
    let all = [
        "name = 'sgd'",
        "name = 'sgd'\nlearning_rate = 0.1\nmomentum = 0.9",
        "name = 'sgd'\nlearning_rate = 0.1\nmomentum = 0.8\nnesterov = true\nweight_decay = 0.05",
        "name = 'adam'",
        "learning_rate = 0.01\nbeta_1 = 0.8\nbeta_2 = 0.95\nepsilon = 1e-3\nweight_decay = 0.1",
        "name = 'adamw'",
        "name = 'adamw'\nlearning_rate = 0.01\nweight_decay = 0.2",
        "name = 'rmsprop'",
        "name = 'rmsprop'\nlearning_rate = 0.02\nrho = 0.7\nmomentum = 0.5\nepsilon = 1e-2\nweight_decay = 0.03",
    ];
    for (table, wanted) in all.into_iter().zip(KERAS) {
        let spec = &options(table);
        for new in [new, of_tensor_operations] {
            let var = weights(5);
            let mut optimizer = new(spec, &parameters(&var));
            train(&mut optimizer, spec, &var, 0..STEPS);
            for (got, wanted) in values(&var).into_iter().zip(wanted) {
                assert!(
                    (f64::from(got) - wanted).abs() < 1.2e-7,
                    "{spec:?}: {got}, wanted {wanted}"
                );
            }
        }
    }
}

#[rustfmt::skip]
const KERAS: [[f64; 5]; 9] = [
    [-1.0025001, -0.495, -0.0049999999, 0.5025, 0.99250001],
    [-0.8853358, -0.49842, -0.25957173, 0.77232224, 0.7119205],
    [-0.94193727, -0.43027455, -0.20057304, 0.67522997, 0.70703357],
    [-0.99861854, -0.49967837, -0.0024491781, 0.50279182, 0.99735826],
    [-0.98294961, -0.4937641, -0.021335691, 0.52257615, 0.96913189],
    [-0.99859458, -0.49966639, -0.0024491393, 0.50277966, 0.9973343],
    [-0.97437632, -0.49084505, -0.024297854, 0.52174276, 0.96181399],
    [-0.99970543, -0.4973748, -0.0023152698, 0.50405842, 0.99679375],
    [-0.98004246, -0.46283969, -0.046286575, 0.58928543, 0.92666119],
];

#[test]
fn a_saved_state_resumes_to_the_same_bytes() {
    for table in [
        "name = 'sgd'\nmomentum = 0.9",
        "name = 'adam'",
        "name = 'adamw'",
        "name = 'rmsprop'\nmomentum = 0.9",
    ] {
        let spec = options(table);
        for new in [new, of_tensor_operations] {
            let whole = weights(70_000);
            let mut optimizer = new(&spec, &parameters(&whole));
            train(&mut optimizer, &spec, &whole, 0..STEPS);

            let parts = weights(70_000);
            let mut optimizer = new(&spec, &parameters(&parts));
            train(&mut optimizer, &spec, &parts, 0..3);
            let state = optimizer.state().unwrap();
            let mut resumed = new(&spec, &parameters(&parts));
            resumed.load_state(&state).unwrap();
            train(&mut resumed, &spec, &parts, 3..STEPS);
            assert_eq!(values(&whole), values(&parts));
        }
    }
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    let spec = options("name = 'adam'");
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let var = weights(100_001);
            let mut optimizer = new(&spec, &parameters(&var));
            train(&mut optimizer, &spec, &var, 0..3);
            values(&var)
        })
    };
    assert_eq!(on(1), on(2));
}

#[test]
fn a_tensor_without_a_gradient_is_named_and_nothing_moves() {
    let (trained, forgotten) = (weights(3), weights(4));
    let mut all = parameters(&trained);
    all.push(("block1_conv1.bias".into(), forgotten));
    let mut optimizer = new(&options("name = 'sgd'"), &all);
    let error = optimizer.step(&gradients(&trained, 0), 0.1).unwrap_err();
    assert!(error.to_string().contains("block1_conv1.bias"), "{error}");
    assert_eq!(values(&trained), values(&weights(3)));
}

#[test]
fn a_state_that_does_not_fit_is_refused_by_name() {
    let adam = options("name = 'adam'");
    let state_of = |len: usize, spec: &spec::Optimizer| {
        let optimizer = new(spec, &parameters(&weights(len)));
        optimizer.state().unwrap()
    };
    let var = weights(5);
    let mut optimizer = new(&adam, &parameters(&var));
    for (state, named) in [
        (state_of(4, &adam), "[4]"),
        (state_of(5, &options("name = 'sgd'")), "missing"),
    ] {
        let error = optimizer.load_state(&state).unwrap_err().to_string();
        assert!(
            error.contains("dense.weight.momentum") && error.contains(named),
            "{error}"
        );
    }
    let mut sgd = new(&options("name = 'sgd'"), &parameters(&var));
    let error = sgd.load_state(&state_of(5, &adam)).unwrap_err();
    assert!(error.to_string().contains("not known"), "{error}");
}

/// The schedule of a spec's `[optimizer.schedule]`.
fn schedule(table: &str, base: f64, steps_per_epoch: usize, epochs: usize) -> Schedule {
    let mut optimizer = options(&format!("learning_rate = {base:?}"));
    optimizer.schedule = toml::from_str(table).unwrap();
    optimizer.rates(Length {
        epochs,
        steps_per_epoch,
    })
}

#[track_caller]
fn assert_rates(schedule: &Schedule, wanted: &[f64]) {
    for (step, wanted) in wanted.iter().enumerate() {
        let got = schedule.rate(step as u64);
        assert!(
            (got - wanted).abs() < 1e-6,
            "step {step}: {got}, wanted {wanted}"
        );
    }
}

/// From Keras 3.15.1:
/// ```python
/// S = keras.optimizers.schedules
/// for s in [S.CosineDecay(0.5, 12), S.CosineDecay(0.0, 8, alpha=0.1, warmup_target=0.5, warmup_steps=4)]:
///     print([float(s(i)) for i in range(0, 14)])
/// ```
/// Keras's warm-up begins with a rate of 0, the runner's with the first step's share.
#[test]
fn cosine_is_keras_cosine_decay() {
    assert_rates(
        &schedule("kind = 'cosine'", 0.5, 4, 3),
        &[
            0.5, 0.49148145, 0.46650636, 0.42677671, 0.375, 0.31470478, 0.25, 0.18529524, 0.125,
            0.07322331, 0.03349365, 0.00851853, 0.0, 0.0,
        ],
    );
    let table = "kind = 'cosine'\nwarmup_epochs = 1\nminimum = 0.05";
    assert_rates(
        &schedule(table, 0.5, 4, 3),
        &[
            0.125, 0.25, 0.375, 0.5, 0.5, 0.4828729, 0.43409905, 0.36110377, 0.275, 0.18889621,
            0.11590098, 0.06712709, 0.05, 0.05,
        ],
    );
}

/// From Keras 3.15.1:
/// ```python
/// S = keras.optimizers.schedules
/// for s in [S.ExponentialDecay(0.5, 3, 0.9), S.ExponentialDecay(0.5, 6, 0.5, staircase=True)]:
///     print([float(s(i)) for i in range(0, 14)])
/// ```
#[test]
fn exponential_and_step_are_keras_exponential_decay() {
    assert_rates(
        &schedule("kind = 'exponential'", 0.5, 3, 5),
        &[
            0.5, 0.48274469, 0.46608487, 0.45, 0.43447021, 0.41947636, 0.405, 0.39102319,
            0.37752873, 0.36449996, 0.35192084, 0.33977583, 0.32804996, 0.31672874,
        ],
    );
    let table = "kind = 'step'\nstep_epochs = 2\nfactor = 0.5";
    assert_rates(
        &schedule(table, 0.5, 3, 5),
        &[
            0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125,
        ],
    );
    let table = format!("{table}\nminimum = 0.2");
    assert_eq!(schedule(&table, 0.5, 3, 5).rate(13), 0.2);
}

#[test]
fn a_constant_rate_warms_up_over_part_of_an_epoch() {
    let table = "warmup_epochs = 0.5";
    // Half of 5 steps are 3.
    assert_rates(&schedule(table, 0.3, 5, 2), &[0.1, 0.2, 0.3, 0.3, 0.3, 0.3]);
    let schedule = schedule("kind = 'cosine'\nwarmup_epochs = 9", 0.3, 5, 2);
    assert!((0..100).all(|step| schedule.rate(step).is_finite()));
}

/// The rates after each epoch are those that Keras 3.15.1's callback leaves:
/// ```python
/// cb = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", mode="min", factor=0.5, patience=2, min_lr=0.1)
/// # and (monitor="val_accuracy", mode="max", factor=0.1, patience=3); model compiled with SGD(0.8)
/// cb.set_model(model); cb.on_train_begin()
/// for e, v in enumerate(values):
///     cb.on_epoch_end(e, {monitor: v}); print(float(model.optimizer.learning_rate))
/// ```
#[test]
fn plateau_drops_when_keras_drops() {
    let loss = "kind = 'plateau'\nfactor = 0.5\npatience = 2\nminimum = 0.1";
    let accuracy = "kind = 'plateau'\nmonitor = 'val_accuracy'\npatience = 3";
    for (table, values, wanted) in [
        (
            loss,
            [1.0, 0.9, 0.89995, 0.95, 0.91, 0.9, 0.5, 0.6, 0.7, 0.8, 0.9],
            [0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1],
        ),
        (
            accuracy,
            [
                0.1, 0.2, 0.2, 0.19, 0.18, 0.3, 0.30005, 0.3002, 0.1, 0.1, 0.1,
            ],
            [
                0.8, 0.8, 0.8, 0.8, 0.08, 0.08, 0.08, 0.08, 0.08, 0.08, 0.008,
            ],
        ),
    ] {
        let mut rates = schedule(table, 0.8, 2, 20);
        assert!(rates.monitor().is_some());
        for (epoch, (value, wanted)) in values.into_iter().zip(wanted).enumerate() {
            // As after an interruption.
            let mut resumed = schedule(table, 0.8, 2, 20);
            resumed.load_state(rates.state());
            rates = resumed;
            rates.epoch_end(value);
            let rate = rates.rate(2 * epoch as u64 + 2);
            assert!(
                (rate - wanted).abs() < 1e-9,
                "epoch {epoch}: {rate}, wanted {wanted}"
            );
        }
    }
}
