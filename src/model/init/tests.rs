//! Initial values against Keras's rules and timm's own.

use super::*;
use crate::graph::Role;
use crate::model::Blueprint;
use crate::spec::Spec;

const HEAD: &str =
    "head = [{ layer = 'global_average_pooling' }, { layer = 'dense', units = 'classes' }]";

/// The network of random weights of an architecture with this rest of the spec.
fn blueprint(arch: &str, rest: &str, classes: usize) -> Blueprint {
    let spec = format!(
        "name = 't'\ndataset = {{ name = 'digits' }}\nbackbone.arch = '{arch}'\nbackbone.weights = 'random'\n{rest}"
    );
    Blueprint::new(&toml::from_str::<Spec>(&spec).unwrap(), classes).unwrap()
}

fn kernel(name: &str, initial: Distribution) -> Parameter {
    Parameter {
        name: name.into(),
        role: Role::Kernel { dense: false },
        extent: vec![3, 3, 64, 257],
        initial,
    }
}

#[test]
fn a_large_kernel_is_drawn_as_if_in_one_go() {
    let limit = 0.25;
    let values = values(&kernel("conv.weight", Distribution::Uniform(limit)), 7);
    let mut stream = Stream::new(7, Purpose::Init, 0, name_index("conv.weight"));
    assert_eq!(values.len(), 9 * 64 * 257);
    assert!(values.len() > 2 * CHUNK && !values.len().is_multiple_of(CHUNK));
    for (i, value) in values.into_iter().enumerate() {
        assert_eq!(value, (2.0 * stream.uniform() - 1.0) * limit, "value {i}");
    }
}

// scipy.stats: norm.ppf(u + 2**-25)
#[test]
fn normal_values_are_the_quantiles_of_uniform_ones() {
    let largest = 1.0 - 2f32.powi(-24);
    for (uniform, quantile) in [
        (0.0, -5.41998317),
        (0.25, -0.674489656),
        (0.5, 7.47033439e-8),
        (largest, 5.41998317),
    ] {
        assert!((normal(uniform) - quantile).abs() < 1e-8, "{uniform}");
    }
}

#[test]
fn vgg_and_heads_start_as_kerass() {
    let glorot = |fans: usize| Distribution::Uniform((6.0 / fans as f64).sqrt() as f32);
    for (arch, first, features) in [
        ("vgg11", Some(glorot(9 * (3 + 64))), 512),
        ("squeezenet1_1", Some(glorot(9 * (3 + 64))), 512),
        ("resnet18", None, 512),
    ] {
        let blueprint = blueprint(arch, HEAD, 10);
        let kernels = blueprint.graph.parameters().map(|(_, p)| p);
        let kernels: Vec<_> = kernels.filter(|p| p.role.is_kernel()).collect();
        let is_kerass = first == Some(kernels[0].initial);
        assert_eq!(is_kerass, first.is_some(), "{arch}");
        let last = kernels[kernels.len() - 1];
        assert_eq!(last.initial, glorot(features + 10), "{arch}");
    }
}

/// How some tensors of each family start in timm 1.0.29: with `torch.manual_seed(0)`, of
/// `w = timm.create_model(arch).state_dict()[name].double()` the mean, the deviation, and the largest value in deviations
/// (1.73 of a uniform tensor, more of a normal one).
///
/// ```python
/// print(f"{w.mean():.2e}, {w.std(correction=0):.4e}, {w.abs().max() / w.std(correction=0):.2f}")
/// ```
#[rustfmt::skip]
const STARTS: &[(&str, &str, f64, f64, f64)] = &[
    ("resnet50", "conv1.weight", -4.73e-05, 2.5068e-02, 3.64),
    ("resnet50", "layer2.0.conv2.weight", 1.03e-04, 4.1638e-02, 5.11),
    ("resnet50", "layer2.0.bn1.weight", 1.0, 0.0, 0.0),
    ("resnet50", "layer2.0.bn3.weight", 0.0, 0.0, 0.0),
    ("resnet50", "layer2.0.downsample.1.weight", 1.0, 0.0, 0.0),
    ("resnet50", "fc.weight", 1.62e-05, 1.2755e-02, 1.73),
    ("resnet50", "fc.bias", -3.57e-04, 1.2608e-02, 1.75),
    ("resnet18", "layer1.0.bn1.weight", 1.0, 0.0, 0.0),
    ("resnet18", "layer1.0.bn2.weight", 0.0, 0.0, 0.0),
    ("mobilenetv3_small_100", "blocks.1.0.conv_dw.weight", 2.13e-02, 4.5714e-01, 3.08),
    ("mobilenetv3_small_100", "conv_head.weight", -1.09e-05, 4.4216e-02, 4.72),
    ("mobilenetv3_small_100", "conv_head.bias", 0.0, 0.0, 0.0),
    ("mobilenetv3_small_100", "classifier.weight", 3.87e-05, 1.8262e-02, 1.73),
    ("efficientnet_b0", "blocks.2.0.conv_dw.weight", 2.41e-04, 2.8590e-01, 3.95),
    ("efficientnet_b0", "blocks.2.0.bn3.weight", 1.0, 0.0, 0.0),
    ("efficientnet_b0", "classifier.bias", 0.0, 0.0, 0.0),
    ("convnext_tiny", "stages.0.blocks.0.conv_dw.weight", -3.60e-04, 2.0010e-02, 3.72),
    ("convnext_tiny", "stages.1.blocks.0.mlp.fc1.weight", 4.03e-05, 2.0000e-02, 4.78),
    ("convnext_tiny", "stages.1.blocks.0.mlp.fc1.bias", 0.0, 0.0, 0.0),
    ("convnext_tiny", "stages.1.blocks.0.gamma", 1e-6, 0.0, 0.0),
    ("vit_tiny_patch16_224", "patch_embed.proj.weight", 5.95e-05, 2.0822e-02, 1.73),
    ("vit_tiny_patch16_224", "patch_embed.proj.bias", -2.69e-03, 2.1387e-02, 1.69),
    ("vit_tiny_patch16_224", "cls_token", 6.34e-08, 9.8588e-07, 3.36),
    ("vit_tiny_patch16_224", "pos_embed", 4.43e-05, 1.9972e-02, 3.75),
    ("vit_tiny_patch16_224", "blocks.0.attn.qkv.weight", -1.67e-05, 1.9967e-02, 4.74),
    ("vit_tiny_patch16_224", "blocks.0.attn.qkv.bias", 0.0, 0.0, 0.0),
    ("vit_tiny_patch16_224", "head.weight", -4.16e-05, 2.0044e-02, 4.70),
    ("vit_small_patch14_dinov2", "blocks.0.ls1.gamma", 1e-5, 0.0, 0.0),
    ("densenet121", "features.conv0.weight", -1.63e-03, 1.1602e-01, 4.56),
    ("densenet121", "features.denseblock1.denselayer1.conv2.weight", 4.77e-04, 4.1716e-02, 4.44),
    ("densenet121", "classifier.weight", 3.83e-07, 1.8034e-02, 1.73),
    ("densenet121", "classifier.bias", 0.0, 0.0, 0.0),
    ("regnety_008", "s3.b1.conv2.conv.weight", -9.92e-04, 1.1690e-01, 4.07),
    ("regnety_008", "s3.b1.conv2.bn.weight", 1.0, 0.0, 0.0),
    ("regnety_008", "s3.b1.conv3.bn.weight", 0.0, 0.0, 0.0),
    ("regnety_008", "s3.b1.se.fc1.bias", 0.0, 0.0, 0.0),
    ("regnety_008", "head.fc.weight", -4.98e-06, 1.0003e-02, 4.86),
];

#[test]
fn random_tensors_start_as_timms() {
    for (arch, name, mean, deviation, largest) in STARTS {
        let blueprint = blueprint(
            arch,
            "backbone.include_top = true\nbackbone.input_size = 224",
            1000,
        );
        let mut tensors = blueprint.graph.parameters().map(|(_, p)| p);
        let tensor = tensors.find(|parameter| parameter.name == *name).unwrap();
        let values: Vec<f64> = values(tensor, 0).into_iter().map(f64::from).collect();
        let n = values.len() as f64;
        let found = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - found).powi(2)).sum::<f64>() / n;
        let most = values.iter().fold(0f64, |most, v| most.max(v.abs()));
        // Two samples of one distribution: five deviations of the difference of their means and of their deviations.
        let room = 5.0 * deviation * (2.0 / n).sqrt();
        let context = format!("{arch} {name}: {found:e} {:e}", variance.sqrt());
        assert!(
            (found - mean).abs() <= room + 1e-8 * mean.abs().max(1e-3),
            "{context}"
        );
        assert!(
            (variance.sqrt() - deviation).abs() <= room + 1e-12,
            "{context}"
        );
        let is_uniform = most < 2.2 * variance.sqrt();
        assert_eq!(is_uniform, *largest < 2.2 && *deviation > 0.0, "{context}");
    }
}
