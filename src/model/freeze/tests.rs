//! Subsets of a backbone that train.

use candle_core::{Device, Tensor};

use crate::graph::{Mode, most_held};
use crate::model::{Blueprint, Network, Weights};
use crate::ops;
use crate::spec::{BatchNormMode, FreezeThrough, Problem, Spec};

fn spec(arch: &str, train: &[&str]) -> Spec {
    let text = format!(
        "name = 't'\ndataset = {{ name = 'digits' }}\n\
         backbone = {{ arch = '{arch}', weights = 'random', input_size = 32 }}\n\
         head = [{{ layer = 'pool' }}, {{ layer = 'dense', units = 'classes' }}]"
    );
    let mut spec: Spec = toml::from_str(&text).unwrap();
    let train = train.iter().map(|glob| (*glob).to_owned());
    spec.freeze.train = Some(train.collect());
    spec
}

fn blueprint(arch: &str, train: &[&str]) -> Result<Blueprint, Problem> {
    Blueprint::new(&spec(arch, train), 10)
}

/// From timm 1.0.29:
/// ```python
/// import timm
/// from fnmatch import fnmatchcase
/// def count(arch, globs):
///     model = timm.create_model(arch, num_classes=10)
///     head = set(model.get_classifier().parameters())
///     paths = lambda name: [name.rsplit(".", i)[0] for i in range(name.count(".") + 1)]
///     fits = lambda name: any(fnmatchcase(path, glob) for path in paths(name) for glob in globs)
///     return sum(p.numel() for name, p in model.named_parameters() if fits(name) or p in head)
/// ```
#[test]
fn globs_choose_tensors_and_modules_by_timms_names() {
    for (arch, globs, expected) in COUNTS {
        let blueprint = blueprint(arch, globs).unwrap();
        assert_eq!(blueprint.trainable_count(), *expected, "{arch} {globs:?}");
    }
}

#[rustfmt::skip]
const COUNTS: &[(&str, &[&str], usize)] = &[
    ("resnet18", &["*.bias"], 9_930),
    ("resnet18", &["layer4"], 8_398_858),
    ("resnet18", &["layer4.*"], 8_398_858),
    ("resnet18", &["bn?", "*.bn?", "*.downsample.1"], 14_730),
    ("resnet50", &["layer3.2", "*.conv1.weight"], 5_205_002),
    ("resnet18", &[], 5_130),
    ("resnet18", &["*"], 11_181_642),
    ("mobilenetv3_small_100", &["blocks.5", "*.se"], 528_338),
    ("efficientnet_b0", &["blocks.5"], 2_039_158),
    ("convnext_tiny", &["*.gamma", "stages.3.downsample"], 1_195_498),
    ("vit_tiny_patch16_224", &["blocks.5"], 446_794),
    ("vit_tiny_patch16_224", &["*.bias", "*norm*"], 32_458),
    ("regnety_008", &["s3.b[12]"], 565_882),
];

/// The gradients of a step of which trains, by name; batch norms use the batch's statistics whether they train or not, so
/// that all values are those of nothing frozen.
fn gradients(arch: &str, train: &[&str]) -> Vec<(String, Vec<f32>)> {
    let mut spec = spec(arch, train);
    spec.freeze.batch_norm = BatchNormMode::Statistics;
    let blueprint = Blueprint::new(&spec, 10).unwrap();
    let network = Network::new(blueprint, &Weights::new(), 1, &Device::Cpu).unwrap();
    let pixels = (0..2 * 32 * 32 * 3).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0);
    let images = Tensor::from_iter(pixels, &Device::Cpu).unwrap();
    let images = images.reshape((2, 32, 32, 3)).unwrap();
    let mode = Mode::Train { seed: 1, step: 0 };
    let _recording = ops::Recording::start();
    let logits = network.forward(&images, mode).unwrap();
    let gradients = ops::backward_from(&logits, logits.detach()).unwrap();
    for (name, tensor) in network.frozen() {
        let gradient = gradients.get(tensor);
        assert!(gradient.is_none(), "{arch}: {name} is frozen");
    }
    let values = |(name, var): (String, candle_core::Var)| {
        let gradient = gradients.get(&var);
        let gradient = gradient.unwrap_or_else(|| panic!("{arch}: {name} has no gradient"));
        let values = gradient.flatten_all().unwrap().to_vec1().unwrap();
        (name, values)
    };
    network.trained().into_iter().map(values).collect()
}

#[test]
fn what_trains_has_the_gradients_of_nothing_frozen_bit_by_bit() {
    for (arch, subsets) in [
        (
            "vgg11",
            vec![vec!["*.bias"], vec!["block3*", "block1_conv1.weight"]],
        ),
        ("vgg11_bn", vec![vec!["*_bn"], vec!["block2_conv1"]]),
        (
            "squeezenet1_1",
            vec![vec!["fire3.squeeze", "*.expand3x3.bias"]],
        ),
        (
            "resnet18",
            vec![vec!["layer2.0.conv2"], vec!["*.bias"], vec!["bn1.weight"]],
        ),
        (
            "mobilenetv3_small_100",
            vec![vec!["blocks.3.*.se"], vec!["conv_stem"]],
        ),
        ("regnety_008", vec![vec!["s2.b1.conv2*"]]),
        (
            "convnext_tiny",
            vec![vec!["*.gamma"], vec!["stages.1.blocks.2"]],
        ),
        (
            "vit_tiny_patch16_224",
            vec![vec!["cls_token"], vec!["*.attn", "*norm1.bias"]],
        ),
    ] {
        let whole = gradients(arch, &["*"]);
        for subset in subsets {
            let some = gradients(arch, &subset);
            assert!(
                some.len() > 2 && some.len() < whole.len(),
                "{arch} {subset:?}"
            );
            for found in &some {
                let wanted = whole.iter().find(|(name, _)| *name == found.0);
                assert!(Some(found) == wanted, "{arch} {subset:?}: {}", found.0);
            }
        }
    }
}

#[test]
fn a_subset_that_a_boundary_names_is_that_boundary() {
    let layer = |name: &str| Some(FreezeThrough::Layer(name.into()));
    for (arch, globs, through) in [
        ("resnet18", &["*"][..], Some(FreezeThrough::None)),
        ("resnet18", &[], Some(FreezeThrough::All)),
        ("resnet18", &["layer4"], layer("layer3")),
        ("resnet18", &["layer4.*"], layer("layer3")),
        ("resnet18", &["layer3"], None),
        ("resnet18", &["*.bias"], None),
        ("vgg16", &["block5_*", "fc?"], layer("block4_pool")),
        (
            "squeezenet1_1",
            &["fire9.expand3x3", "fire9.expand1x1"],
            layer("fire9.squeeze"),
        ),
    ] {
        let mut spec = spec(arch, globs);
        if arch == "squeezenet1_1" {
            spec.head[0] = toml::from_str("layer = 'global_average_pooling'").unwrap();
        }
        let blueprint = Blueprint::new(&spec, 10).unwrap();
        assert_eq!(blueprint.through(), through, "{arch} {globs:?}");
    }
}

#[test]
fn what_is_before_the_first_weight_that_trains_is_constant_and_its_values_alone_are_kept() {
    for (globs, frontier) in [
        (&["layer2.0.conv2"][..], "layer2.0.act1 layer2.0.downsample"),
        (&["layer2.0.downsample"], "layer1 layer2.0.bn2"),
        (&["bn1.bias", "layer4"], "conv1"),
        (&[], "global_pool"),
    ] {
        let blueprint = blueprint("resnet18", globs).unwrap();
        let nodes = blueprint.cut.frontier().iter();
        let names: Vec<&str> = nodes.map(|node| blueprint.graph.through(*node)).collect();
        assert_eq!(names.join(" "), frontier, "{globs:?}");
    }
}

#[test]
fn frozen_kernels_cost_no_gradient_and_frozen_tensors_no_moments() {
    let cost = |globs: &[&str]| blueprint("vgg11", globs).unwrap().cost(2);
    let (all, biases) = (cost(&["*"]), cost(&["*.bias"]));
    let first = blueprint("vgg11", &["*"]).unwrap();
    let first = first.graph.multiplications(&first.graph.nodes()[1]);
    // Each layer but the first: forward, gradient of the input; the kernel's only in the head, of 4096 inputs.
    assert_eq!(biases.training, 2 * biases.forward - first + 4096 * 10);
    assert_eq!(all.training, 3 * all.forward - first);
    // 4 bytes for each value of a bias and of the head's kernel, and two moments.
    let count = 64 + 128 + 2 * 256 + 4 * 512 + 2 * 4096 + 10 + 4096 * 10;
    assert_eq!((biases.gradients, biases.slots), (4 * count, 8 * count));
    let kept = |globs: &[&str]| {
        let blueprint = blueprint("vgg11", globs).unwrap();
        most_held(&blueprint.graph, &blueprint.cut, 64).kept
    };
    assert!(kept(&["block5_conv2", "fc?"]) < kept(&["*.bias"]));
}

#[test]
fn a_glob_that_fits_no_weight_of_the_backbone_says_why() {
    for (globs, key, fragments) in [
        (
            &["layr4"][..],
            "freeze.train.0",
            &["no tensor and no module", "did you mean `layer4`?"][..],
        ),
        (
            &["*.bias", "layer5.*"],
            "freeze.train.1",
            &["did you mean `layer"],
        ),
        (&["*.bais"], "freeze.train.0", &["did you mean `*.bias`?"]),
        (
            &["maxpool"],
            "freeze.train.0",
            &["`maxpool` has no weights"],
        ),
        (
            &["*.running_mean"],
            "freeze.train.0",
            &["only moving statistics", "freeze.batch_norm"],
        ),
        (
            &["dense"],
            "freeze.train.0",
            &["of the head, which always trains"],
        ),
        (&["[a"], "freeze.train.0", &["no glob"]),
    ] {
        let problem = blueprint("resnet18", globs).unwrap_err();
        assert_eq!(problem.key, key);
        for fragment in fragments {
            assert!(
                problem.to_string().contains(fragment),
                "{fragment} in {problem}"
            );
        }
    }
}
