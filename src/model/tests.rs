//! Whole networks: against Keras's counts, and gradients that stop where they should.

use candle_core::{Device, Tensor};

use super::*;
use crate::graph::{Detail, Mode, images_at_once, pieces, summary};
use crate::ops;
use crate::spec::{Activation, Arch, Backbone, FreezeThrough, HeadLayer, Spec};
use crate::zoo::IMAGENET_CLASSES;

fn arch(name: &str) -> Arch {
    Arch::named(name).unwrap()
}

/// A layer as it stands in a spec.
fn head(text: &str) -> HeadLayer {
    toml::from_str(text).unwrap()
}

fn spec(arch: Arch, through: FreezeThrough) -> Spec {
    let text = format!(
        "name = 'test'\n[dataset]\nname = 'cifar10'\n[backbone]\narch = '{arch}'\nweights = 'random'\n"
    );
    let mut spec: Spec = toml::from_str(&text).unwrap();
    spec.freeze.through = through;
    spec.head = vec![
        head("layer = 'flatten'"),
        head("layer = 'dense'\nunits = 256\nactivation = 'relu'"),
        head("layer = 'batch_normalization'"),
        head("layer = 'dropout'\nrate = 0.5"),
        head("layer = 'dense'\nunits = 'classes'\nactivation = 'softmax'"),
    ];
    spec
}

fn layer(name: &str) -> FreezeThrough {
    FreezeThrough::Layer(name.into())
}

fn top(arch: Arch) -> Blueprint {
    let mut spec = spec(arch, FreezeThrough::None);
    spec.backbone = Backbone {
        include_top: true,
        input_size: 224.into(),
        ..spec.backbone
    };
    spec.head.clear();
    Blueprint::new(&spec, IMAGENET_CLASSES).unwrap()
}

#[test]
fn the_lessons_model_has_keras_names_and_counts() {
    // keras.applications.VGG16(include_top=False, input_shape=(32, 32, 3)) with the lesson's head:
    // 14,849,610 parameters, 512 of them moving statistics; behind block4_pool 7,213,834 train.
    let blueprint = Blueprint::new(&spec(arch("vgg16"), layer("block4_pool")), 10).unwrap();
    assert_eq!(blueprint.parameter_count(), 14_849_610);
    assert_eq!(blueprint.trainable_count(), 7_213_834);
    let modules = blueprint.graph.modules();
    let names: Vec<&str> = modules.iter().map(|module| module.name).collect();
    assert_eq!(names[..3], ["block1_conv1", "block1_conv2", "block1_pool"]);
    assert_eq!(
        names[17..],
        [
            "block5_pool",
            "flatten",
            "dense",
            "batch_normalization",
            "dropout",
            "dense_1"
        ]
    );
    assert_eq!(blueprint.output, Activation::Softmax);
}

#[test]
fn the_original_heads_have_the_published_counts() {
    // torchvision's model pages: num_params of VGG*_Weights.IMAGENET1K_V1 and SqueezeNet1_1_Weights;
    // a batch norm's two moving statistics, one value a channel each, come on top.
    for (arch, published, statistics) in [
        (arch("vgg11"), 132_863_336, 0),
        (arch("vgg13"), 133_047_848, 0),
        (arch("vgg16"), 138_357_544, 0),
        (arch("vgg19"), 143_667_240, 0),
        (arch("vgg16_bn"), 138_365_992, 2 * 4_224),
        (arch("squeezenet1_1"), 1_235_496, 0),
    ] {
        assert_eq!(
            top(arch).parameter_count(),
            published + statistics,
            "{arch}"
        );
    }
}

#[test]
fn keras_layer_numbers_count_the_input_layer() {
    for (through, boundary) in [
        (FreezeThrough::Count(15), Some("block4_pool")),
        (FreezeThrough::Count(0), None),
        (FreezeThrough::Count(1), None),
        (FreezeThrough::Count(2), Some("block1_conv1")),
        (FreezeThrough::Count(19), Some("block5_pool")),
        (FreezeThrough::All, Some("block5_pool")),
        (layer("block1_conv1"), Some("block1_conv1")),
        (layer("dense"), Some("dense")),
    ] {
        let blueprint = Blueprint::new(&spec(arch("vgg16"), through.clone()), 10).unwrap();
        let found = blueprint.through.filter(|last| *last > 0);
        let found = found.map(|last| blueprint.graph.through(last));
        assert_eq!(found, boundary, "{through:?}");
    }
}

#[test]
fn a_boundary_may_lie_inside_a_module() {
    let through = |path| {
        let blueprint = Blueprint::new(&spec(arch("squeezenet1_1"), layer(path)), 10).unwrap();
        let nodes = blueprint.graph.nodes();
        let last = blueprint.through.map(|node| nodes[node].name.clone());
        let frontier = blueprint.cut.frontier().iter();
        let frontier: Vec<&str> = frontier.map(|node| nodes[*node].name.as_str()).collect();
        (last.unwrap(), frontier.join(" "))
    };
    let both = |node: &str, frontier: &str| (node.to_owned(), frontier.to_owned());
    let squeezed = "fire4.squeeze.relu";
    assert_eq!(
        through("fire4"),
        both("fire4.concatenate", "fire4.concatenate")
    );
    assert_eq!(through("fire4.squeeze"), both(squeezed, squeezed));
    assert_eq!(
        through("fire4.expand1x1"),
        both(
            "fire4.expand1x1.relu",
            &format!("{squeezed} fire4.expand1x1.relu")
        )
    );
}

#[test]
fn a_boundary_that_is_no_layer_is_refused_with_the_layers_listed() {
    let problem = |through| Blueprint::new(&spec(arch("vgg16"), through), 10).unwrap_err();
    let unknown = problem(layer("blok4_pool"));
    assert_eq!(unknown.key, "freeze.through");
    assert!(
        unknown.message.contains("did you mean `block4_pool`"),
        "{unknown}"
    );
    assert!(unknown.help.unwrap().contains("block5_conv3"));
    assert!(
        problem(FreezeThrough::Count(40))
            .message
            .contains("24 layers")
    );
    assert!(
        problem(layer("dense_1"))
            .message
            .contains("nothing is left to train")
    );
}

#[test]
fn an_input_too_small_names_the_layer() {
    let mut small = spec(arch("vgg16"), FreezeThrough::None);
    small.backbone.input_size = 16.into();
    let problem = Blueprint::new(&small, 10).unwrap_err();
    assert!(problem.message.contains("block5_pool"), "{problem}");
    assert_eq!(problem.key, "backbone.input_size");
}

#[test]
fn the_original_head_wants_its_classes_and_its_input_size() {
    let mut spec = spec(arch("vgg16"), FreezeThrough::None);
    spec.head.clear();
    spec.backbone.include_top = true;
    assert_eq!(
        Blueprint::new(&spec, 10).unwrap_err().key,
        "backbone.include_top"
    );
    spec.backbone.weights = crate::spec::Weights::Imagenet;
    assert_eq!(
        Blueprint::new(&spec, IMAGENET_CLASSES).unwrap_err().key,
        "backbone.input_size"
    );
}

#[test]
fn gradients_reach_every_trained_tensor_and_no_frozen_one() {
    for (arch, boundary) in [
        (arch("vgg11"), layer("block4_pool")),
        (arch("vgg11_bn"), FreezeThrough::None),
        (arch("squeezenet1_1"), layer("pool5")),
    ] {
        let blueprint = Blueprint::new(&spec(arch, boundary), 10).unwrap();
        let network = Network::new(blueprint, &Weights::new(), 1, &Device::Cpu).unwrap();
        let images = Tensor::rand(0f32, 1., (3, 32, 32, 3), &Device::Cpu).unwrap();
        let _recording = ops::Recording::start();
        let logits = network
            .forward(&images, Mode::Train { seed: 1, step: 0 })
            .unwrap();
        let gradients = ops::backward_from(&logits, logits.detach()).unwrap();
        for (name, var) in network.trained() {
            assert!(
                gradients.get(&var).is_some(),
                "{arch}: {name} has no gradient"
            );
        }
        for (name, tensor) in network.frozen() {
            assert!(gradients.get(tensor).is_none(), "{arch}: {name} is frozen");
        }
    }
}

#[test]
fn moving_statistics_move_only_above_the_boundary_and_only_in_training() {
    let moved = |through, mode| {
        let blueprint = Blueprint::new(&spec(arch("vgg11_bn"), through), 10).unwrap();
        let network = Network::new(blueprint, &Weights::new(), 1, &Device::Cpu).unwrap();
        let before = network.weights().unwrap();
        let images = Tensor::rand(0f32, 1., (4, 32, 32, 3), &Device::Cpu).unwrap();
        network.forward(&images, mode).unwrap();
        let after = network.weights().unwrap();
        let differs = |layer: &str| {
            let name = format!("{layer}.running_mean");
            before[&name] != after[&name]
        };
        (differs("block1_conv1_bn"), differs("batch_normalization"))
    };
    let train = Mode::Train { seed: 1, step: 0 };
    assert_eq!(moved(FreezeThrough::None, train), (true, true));
    assert_eq!(moved(FreezeThrough::All, train), (false, true));
    assert_eq!(moved(FreezeThrough::None, Mode::Evaluate), (false, false));
}

#[test]
fn logits_have_the_same_bits_whatever_else_is_in_the_batch() {
    let blueprint = Blueprint::new(&spec(arch("vgg11"), FreezeThrough::None), 10).unwrap();
    let batch = images_at_once(&blueprint.graph, &blueprint.cut.rest()) + 1;
    let network = Network::new(blueprint, &Weights::new(), 1, &Device::Cpu).unwrap();
    let images = Tensor::rand(0f32, 1., (batch, 32, 32, 3), &Device::Cpu).unwrap();
    let logits = |images: &Tensor| -> Vec<Vec<f32>> {
        let logits = network.forward(images, Mode::Evaluate).unwrap();
        logits.to_vec2().unwrap()
    };
    let together = logits(&images);
    assert_eq!(together.len(), batch);
    for i in [0, batch / 2, batch - 2, batch - 1] {
        let alone = logits(&images.narrow(0, i, 1).unwrap());
        assert_eq!(together[i], alone[0], "image {i}");
    }
}

#[test]
fn an_image_has_the_same_bits_in_a_batch_that_goes_through_in_pieces() {
    for name in ["mobilenetv2_100", "efficientnet_b0", "resnet18", "vgg11"] {
        let mut spec = spec(arch(name), FreezeThrough::All);
        spec.backbone.input_size = 96.into();
        let blueprint = Blueprint::new(&spec, 10).unwrap();
        let (nodes, frontier) = (blueprint.cut.constant(), blueprint.cut.frontier().to_vec());
        let most = 2 * images_at_once(&blueprint.graph, &nodes) + 1;
        assert!(
            pieces(&blueprint.graph, &nodes, &frontier, most).len() > 1,
            "{name}"
        );
        let network = Network::new(blueprint, &Weights::new(), 1, &Device::Cpu).unwrap();
        let images = Tensor::rand(0f32, 1., (most, 96, 96, 3), &Device::Cpu).unwrap();
        let last = |images: &Tensor| -> Vec<Vec<f32>> {
            let values = network.forward_constant(images).unwrap();
            values[0].flatten_from(1).unwrap().to_vec2().unwrap()
        };
        let together = last(&images);
        for i in [0, most / 2, most - 1] {
            let alone = last(&images.narrow(0, i, 1).unwrap());
            assert_eq!(together[i], alone[0], "{name}, image {i}");
        }
    }
}

#[test]
fn weights_restore_what_the_optimizer_changed() {
    let blueprint = Blueprint::new(&spec(arch("squeezenet1_1"), FreezeThrough::All), 10).unwrap();
    let network = Network::new(blueprint, &Weights::new(), 1, &Device::Cpu).unwrap();
    let before = network.weights().unwrap();
    for (_, var) in network.trained() {
        var.set(&var.ones_like().unwrap()).unwrap();
    }
    assert_ne!(network.weights().unwrap(), before);
    network.restore(&before).unwrap();
    assert_eq!(network.weights().unwrap(), before);
}

#[test]
fn the_summary_has_a_line_a_layer_and_the_totals() {
    let blueprint = Blueprint::new(&spec(arch("vgg16"), layer("block4_pool")), 10).unwrap();
    let text = summary(&blueprint.graph, &blueprint.cut, Detail::Modules, 100);
    let words = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace()
            .map(String::from)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        words("block4_conv3"),
        "block4_conv3 Conv2D (None, 4, 4, 512) 2,359,808 37,748,736 frozen"
    );
    assert_eq!(
        words("block5_conv1"),
        "block5_conv1 Conv2D (None, 2, 2, 512) 2,359,808 9,437,184 trained"
    );
    assert_eq!(
        words("trainable parameters"),
        "trainable parameters 7,213,834"
    );
}

#[test]
fn the_summary_fits_a_narrow_terminal_and_a_node_has_a_line_of_its_own() {
    for name in [
        "vgg16_bn",
        "resnet50",
        "efficientnet_b0",
        "vit_tiny_patch16_224",
    ] {
        let mut spec = spec(arch(name), FreezeThrough::All);
        spec.head[0] = head("layer = 'pool'");
        let Blueprint { graph, cut, .. } = Blueprint::new(&spec, 10).unwrap();
        for (detail, lines) in [
            (Detail::Modules, graph.modules().len()),
            (Detail::Nodes, graph.nodes().len() - 1),
        ] {
            for width in [40, 80, 100, 200] {
                let text = summary(&graph, &cut, detail, width);
                // Titles, three rules, three totals.
                assert_eq!(text.lines().count(), lines + 7, "{text}");
                let widest = text.lines().map(|line| line.chars().count()).max();
                assert!(widest.unwrap() <= width, "{name} at {width}:\n{text}");
            }
        }
    }
}

#[test]
fn operations_are_counted_as_published() {
    // VGG-16 at 224×224 needs 15.47 G multiply-accumulates (torchvision: 15.47 GFLOPS).
    assert_eq!(top(arch("vgg16")).cost(2).forward / 10_000_000, 1_547);
}

#[test]
fn nodes_that_are_computed_together_have_the_bytes_of_each_alone() {
    for name in [
        "resnet18",
        "mobilenetv2_100",
        "efficientnet_b0",
        "convnext_tiny",
        "vit_tiny_patch16_224",
        "vgg11_bn",
        "squeezenet1_1",
    ] {
        let mut spec = spec(arch(name), FreezeThrough::All);
        spec.head = vec![
            head("layer = 'pool'"),
            head("layer = 'dense'\nunits = 'classes'\nactivation = 'softmax'"),
        ];
        spec.backbone.input_size = 64.into();
        let blueprint = Blueprint::new(&spec, 3).unwrap();
        let network = Network::new(blueprint, &Weights::new(), 7, &Device::Cpu).unwrap();
        let images = Tensor::rand(0f32, 1., (2, 64, 64, 3), &Device::Cpu).unwrap();
        let together = network.forward(&images, Mode::Evaluate).unwrap();
        let mut values = vec![images];
        for (i, node) in network.blueprint.graph.nodes().iter().enumerate().skip(1) {
            let inputs: Vec<Tensor> = node.inputs.iter().map(|i| values[*i].clone()).collect();
            let value = network.pass(&[i], &node.inputs, &inputs, &[i], Mode::Evaluate);
            values.push(value.unwrap().remove(0));
        }
        let alone = values.last().unwrap();
        let bytes = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(bytes(&together), bytes(alone), "{name}");
    }
}

#[test]
fn a_network_made_again_is_a_new_one_but_for_what_is_frozen() {
    let spec = spec(arch("vgg11"), layer("block4_pool"));
    let new = |seed, given: &Weights| {
        let blueprint = Blueprint::new(&spec, 10).unwrap();
        Network::new(blueprint, given, seed, &Device::Cpu).unwrap()
    };
    let name = "block5_conv1.weight".to_owned();
    let tensor = new(3, &Weights::new()).weights().unwrap().remove(&name);
    let given = Weights::from([(name, tensor.unwrap())]);
    let blueprint = Blueprint::new(&spec, 10).unwrap();
    let again = new(1, &Weights::new()).again(blueprint, &given, 2).unwrap();
    assert_eq!(again.learned().unwrap(), new(2, &given).learned().unwrap());
    let frozen = new(1, &given).weights().unwrap();
    let kept = again.weights().unwrap();
    for (name, _) in again.frozen() {
        assert_eq!(kept[name], frozen[name], "{name}");
    }
}
