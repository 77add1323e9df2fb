//! timm's networks, reproduced: logits, the loss of a step, every gradient, moving statistics, logits after the step
//! (`shared/golden/README.md` gives the bounds).

use std::collections::BTreeMap;

use candle_core::Tensor;
use runner::graph::Mode;
use runner::model::weights::{self, Wanted};
use runner::model::{Blueprint, Network, Weights};
use runner::ops;
use runner::spec::Spec;
use serde_json::Value;

use crate::common;
use crate::common::device;
use crate::common::timm_step::{self, uniform, value};

mod explained;
mod widths;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn spec(arch: &str, size: &Value, freeze: &str) -> Spec {
    let spec = format!(
        "name = 't'\ndataset = {{ name = 'digits' }}\n\
         backbone = {{ arch = '{arch}', weights = 'random', input_size = {size} }}\n\
         head = [{{ layer = 'pool' }}, {{ layer = 'dense', units = 'classes' }}]\n\
         freeze = {{ {freeze} }}"
    );
    toml::from_str(&spec).unwrap()
}

/// The network of a golden run with `[freeze]` as given, read from a file with timm's names and the classifier as `dense`.
fn network(golden: &Value, freeze: &str) -> (Network, String) {
    let seed = golden["seed"].as_u64().unwrap();
    let spec = spec(golden["arch"].as_str().unwrap(), &golden["size"], freeze);
    let blueprint = Blueprint::new(&spec, 10).unwrap();
    let classifier = spec.backbone.arch.family.classifier().to_owned();
    let shapes = golden["shapes"].as_object().unwrap();
    let tensors: Weights = shapes
        .iter()
        .map(|(name, shape)| {
            let shape: Vec<usize> = serde_json::from_value(shape.clone()).unwrap();
            (ours(name, &classifier), value(name, &shape, seed))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("start.safetensors");
    weights::save(&path, &tensors, &BTreeMap::new()).unwrap();
    let nodes = blueprint.graph.nodes().len();
    let wanted = Wanted::of(spec.backbone.arch, &blueprint, nodes, false);
    let loaded = weights::load(&path, &wanted).unwrap();
    let network = Network::new(blueprint, &loaded, 0, &device()).unwrap();
    (network, classifier)
}

/// The classifier's tensors under the head's name.
fn ours(name: &str, classifier: &str) -> String {
    match name
        .strip_prefix(classifier)
        .filter(|rest| rest.starts_with('.'))
    {
        Some(rest) => format!("dense{rest}"),
        None => name.to_owned(),
    }
}

/// The images of `timm_step.py`, where the tests compute.
fn images(batch: usize, size: usize, seed: u64) -> Tensor {
    let images = timm_step::images(batch, size, seed);
    images.to_device(&device()).unwrap()
}

fn logits_are(network: &Network, images: &Tensor, wanted: &Value, spread: f64) {
    let logits = network.forward(images, Mode::Evaluate).unwrap();
    let found: Vec<Vec<f32>> = logits.to_vec2().unwrap();
    let wanted: Vec<Vec<f64>> = serde_json::from_value(wanted.clone()).unwrap();
    let far = found.iter().flatten().zip(wanted.iter().flatten());
    let far = far
        .map(|(f, w)| (f64::from(*f) - w).abs())
        .fold(0.0, f64::max);
    assert!(far < (5.0 * spread).max(1e-5), "{far:e}");
}

/// The distances of the gradients that are there from the golden ones: norm or projection, over the tensor's norm and a thousandth of
/// the whole gradient's.
fn distances(golden: &Value, gradients: &BTreeMap<String, Vec<f32>>, classifier: &str) -> Vec<f64> {
    let seed = golden["seed"].as_u64().unwrap();
    let wanted = golden["gradients"].as_object().unwrap();
    let whole = wanted
        .values()
        .map(|g| number(&g["norm"]).powi(2))
        .sum::<f64>()
        .sqrt();
    let distance = |(name, wanted): (&String, &Value)| {
        let gradient = &gradients[&ours(name, classifier)];
        let wide = || gradient.iter().map(|v| f64::from(*v));
        let norm = wide().map(|v| v * v).sum::<f64>().sqrt();
        let along = format!("proj:{name}");
        let along = uniform(&along, gradient.len(), seed);
        let projection = wide()
            .zip(along)
            .map(|(g, u)| g * (2.0 * u - 1.0))
            .sum::<f64>();
        let far = (norm - number(&wanted["norm"])).abs();
        let far = far.max((projection - number(&wanted["projection"])).abs());
        far / (number(&wanted["norm"]) + 1e-3 * whole)
    };
    let there = wanted.iter();
    let there = there.filter(|(name, _)| gradients.contains_key(&ours(name, classifier)));
    there.map(distance).collect()
}

/// One step by hand: the gradients in files' layouts, and the loss.
fn step(network: &Network, images: &Tensor, rate: f64) -> (BTreeMap<String, Vec<f32>>, f64) {
    let _recording = ops::Recording::start();
    let logits = network
        .forward(images, Mode::Train { seed: 0, step: 0 })
        .unwrap();
    let n = logits.dim(0).unwrap();
    let targets: Vec<f32> = (0..n * 10)
        .map(|i| f32::from(i / 10 % 10 == i % 10))
        .collect();
    let targets = Tensor::from_vec(targets, (n, 10), &device()).unwrap();
    let loss = ops::softmax_cross_entropy(&logits, &targets).unwrap();
    let loss = ops::weighted_mean(&loss, None).unwrap();
    let gradients = ops::backward(&loss).unwrap();
    let mut found = BTreeMap::new();
    let vars: BTreeMap<String, _> = network.trained().into_iter().collect();
    for (_, parameter) in network.blueprint.graph.parameters() {
        let Some(var) = vars.get(&parameter.name) else {
            continue;
        };
        let gradient = gradients.get(var).unwrap();
        let values: Vec<f32> = gradient.flatten_all().unwrap().to_vec1().unwrap();
        found.insert(
            parameter.name.clone(),
            runner::graph::to_file(parameter, &values),
        );
        let change = (gradient.reshape(var.shape()).unwrap() * rate).unwrap();
        var.set(&(var.as_detached_tensor() - change).unwrap())
            .unwrap();
    }
    (found, f64::from(loss.to_scalar::<f32>().unwrap()))
}

/// Takes the golden step; gives how many tensors trained.
fn step_is(golden: &Value, network: &Network, classifier: &str, images: &Tensor) -> usize {
    let (gradients, loss) = step(network, images, number(&golden["learning_rate"]));
    let spread = |key: &str| 5.0 * number(&golden["spread"][key]);
    let wanted = number(&golden["loss"]);
    let far = (loss - wanted).abs() / wanted;
    let mut all = distances(golden, &gradients, classifier);
    all.sort_by(f64::total_cmp);
    let (median, worst) = (all[all.len() / 2], all[all.len() - 1]);
    println!("loss {far:.1e}, gradients {median:.1e}, worst {worst:.1e}");
    assert!(far < spread("loss").max(2e-5), "loss: {far:e}");
    assert!(
        median < spread("median_gradient").max(1e-3),
        "median: {median:e}"
    );
    assert!(
        worst < spread("worst_gradient").max(5e-3),
        "worst: {worst:e}"
    );
    all.len()
}

fn golden(arch: &str) -> Value {
    let path = common::shared().join(format!("golden/zoo/{arch}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn reproduces(arch: &str, spread_after: f64) {
    let golden = golden(arch);
    let (network, classifier) = network(&golden, "");
    let count = |key: &str| golden[key].as_u64().unwrap() as usize;
    let images = images(
        count("batch"),
        count("size"),
        golden["seed"].as_u64().unwrap(),
    );
    assert_eq!(network.blueprint.trainable_count(), count("parameters"));
    logits_are(&network, &images, &golden["logits"], 0.0);
    step_is(&golden, &network, &classifier, &images);

    let after = network.weights().unwrap();
    for (name, wanted) in golden["moving_sums"].as_object().unwrap() {
        let sum: f64 = after[name].data.iter().map(|v| f64::from(*v)).sum();
        let far = (sum - number(wanted)).abs() / number(wanted).abs().max(1.0);
        assert!(far < 1e-4, "{name}: {sum}, wanted {wanted}");
    }
    logits_are(&network, &images, &golden["logits_after"], spread_after);
}

macro_rules! golden {
    ($($arch:ident $after:literal),+ $(,)?) => {
        $(#[test]
        #[cfg_attr(not(shared), ignore = "needs the golden runs, which are not there")]
        fn $arch() {
            reproduces(stringify!($arch), $after);
        })+
    };
}

// Behind each how far timm 1.0.29's own logits after the step in float64 lie from those in float32 (the same as
// `timm_step.py`, `model.double()` and the images in double): with ReLU a few gradients fall the other way.
golden!(
    convnext_tiny 0.0,
    densenet121 5.1e-5,
    efficientnet_b0 0.0,
    mobilenetv2_100 1.4e-5,
    mobilenetv3_large_100 0.0,
    regnety_008 3.2e-4,
    resnet18 1.8e-4,
    resnet50 1.3e-2,
    tf_efficientnet_lite0 9.0e-6,
    vit_small_patch14_dinov2 0.0,
    vit_tiny_patch16_224 0.0,
);

/// With the batch's statistics also where batch norms are frozen, all values are those of nothing frozen.
#[test]
#[cfg_attr(not(shared), ignore = "needs the golden runs, which are not there")]
fn what_trains_of_a_network_has_the_gradients_that_it_has_with_nothing_frozen() {
    for (arch, train, tensors) in [
        ("resnet18", "'layer2.0.conv1', 'layer4.*.bias', 'bn1'", 10),
        ("mobilenetv3_large_100", "'blocks.3', '*.se.*.bias'", 54),
        ("convnext_tiny", "'*.gamma', 'stages.2.blocks.4'", 28),
        ("vit_tiny_patch16_224", "'pos_embed', '*.bias'", 77),
    ] {
        let golden = golden(arch);
        let freeze = format!("train = [{train}], batch_norm = 'statistics'");
        let (network, classifier) = network(&golden, &freeze);
        let count = |key: &str| golden[key].as_u64().unwrap() as usize;
        let images = images(count("batch"), count("size"), count("seed") as u64);
        let trained = step_is(&golden, &network, &classifier, &images);
        assert_eq!(trained, tensors, "{arch}");
    }
}

/// From timm 1.0.29 with PyTorch 2.15.0, beside `timm_step.py`:
/// ```python
/// import timm, torch
/// from timm_step import images, value
/// def step(mode):
///     model = timm.create_model("resnet18", num_classes=10)
///     state = {k: torch.tensor(value(k, tuple(v.shape), 1), dtype=torch.float32)
///              for k, v in model.state_dict().items() if "num_batches" not in k}
///     model.load_state_dict(state, strict=False)
///     model.train()
///     for name, module in model.named_modules():
///         frozen = not name.startswith(("layer4", "fc"))
///         norm = isinstance(module, torch.nn.BatchNorm2d)
///         for weight in module.parameters(recurse=False):
///             weight.requires_grad_(not frozen or norm and mode == "train")
///         if frozen and norm and mode == "frozen":
///             module.eval()
///     x = torch.tensor(images(10, 64, 1), dtype=torch.float32).permute(0, 3, 1, 2) / 255
///     mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
///     loss = torch.nn.functional.cross_entropy(model((x - mean) / std), torch.arange(10))
///     loss.backward()
///     weights, moving = dict(model.named_parameters()), model.state_dict()
///     norm = lambda name: weights[name].grad.double().norm() if weights[name].grad is not None else None
///     print(loss, [norm(name) for name in GRADIENTS], [moving[name].double().sum() for name in MOVING])
/// ```
#[test]
fn frozen_batch_norms_do_as_pytorchs_in_each_mode() {
    const GRADIENTS: [&str; 4] = [
        "bn1.weight",
        "layer2.0.bn1.bias",
        "layer4.0.conv1.weight",
        "dense.weight",
    ];
    const MOVING: [&str; 3] = [
        "bn1.running_mean",
        "layer3.1.bn2.running_var",
        "layer4.0.bn1.running_mean",
    ];
    let (inferred, followed) = (
        [-0.6997079425, 319.1661914587, 0.2092303],
        [-0.6449572, 294.7724950, 0.1510910],
    );
    for (mode, loss, norms, moving) in [
        (
            "frozen",
            2.552231,
            [None, None, Some(9.593686), Some(4.903047)],
            inferred,
        ),
        (
            "statistics",
            2.481131,
            [None, None, Some(8.051209), Some(4.528565)],
            followed,
        ),
        (
            "train",
            2.481131,
            [
                Some(0.832808),
                Some(0.300688),
                Some(8.051209),
                Some(4.528565),
            ],
            followed,
        ),
    ] {
        let freeze = format!("through = 'layer3', batch_norm = '{mode}'");
        let network = computed("resnet18", 64, &freeze);
        let (gradients, found) = step(&network, &images(10, 64, 1), 0.0);
        assert!((found - loss).abs() < 2e-5 * loss, "{mode}: loss {found}");
        for (name, wanted) in GRADIENTS.into_iter().zip(norms) {
            let squares = |g: &Vec<f32>| g.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
            let found = gradients.get(name).map(|gradient| squares(gradient).sqrt());
            assert_eq!(found.is_some(), wanted.is_some(), "{mode}: {name}");
            let far = found.zip(wanted).map_or(0.0, |(f, w)| (f - w).abs() / w);
            assert!(far < 5e-4, "{mode}: {name} is {found:?}");
        }
        let after = network.weights().unwrap();
        for (name, wanted) in MOVING.into_iter().zip(moving) {
            let sum: f64 = after[name].data.iter().map(|v| f64::from(*v)).sum();
            assert!(
                (sum - wanted).abs() < 1e-4 * sum.abs().max(1.0),
                "{mode}: {name} {sum}"
            );
        }
    }
}

/// A network with the weights of `timm_step.py`, seed 1.
fn computed(arch: &str, size: usize, freeze: &str) -> Network {
    let mut golden = serde_json::json!({ "arch": arch, "seed": 1, "size": size });
    let spec = spec(arch, &golden["size"], freeze);
    let classifier = spec.backbone.arch.family.classifier();
    let blueprint = Blueprint::new(&spec, 10).unwrap();
    let parameters = blueprint.graph.parameters();
    let shapes = parameters.map(|(_, parameter)| {
        let name = parameter.name.replace("dense.", &format!("{classifier}."));
        (name, serde_json::json!(parameter.file_shape()))
    });
    golden["shapes"] = Value::Object(shapes.collect());
    network(&golden, freeze).0
}
