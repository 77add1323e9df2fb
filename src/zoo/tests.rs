//! The catalog against timm's own models.

use sha2::{Digest, Sha256};

use super::{CATALOG, IMAGENET_CLASSES};
use crate::graph::op::Op;
use crate::graph::{Builder, Graph, Shape};

/// An architecture with its own head, on images of this side.
fn graph(name: &str, size: Option<usize>) -> Result<Graph, String> {
    let row = CATALOG.iter().find(|row| row.name == name).unwrap();
    let size = size.unwrap_or(row.input_size);
    let (mut graph, images) = Builder::new(Shape::square(size, 3))?;
    let features = row.family.backbone(&mut graph, images)?;
    row.family.top(&mut graph, features, IMAGENET_CLASSES)?;
    Ok(graph.finish())
}

/// From timm 1.0.29:
/// ```python
/// import hashlib, timm
/// for arch in ARCHITECTURES:
///     model = timm.create_model(arch, num_classes=1000)
///     lines = sorted(f"{k} {list(v.shape)}" for k, v in model.state_dict().items() if "num_batches" not in k)
///     digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
///     print(f'    ("{arch}", {sum(p.numel() for p in model.parameters()):_}, "{digest}"),')
/// ```
#[rustfmt::skip]
const TIMM: &[(&str, usize, &str)] = &[
    ("resnet18", 11_689_512, "fc669aac650ab66f"),
    ("resnet34", 21_797_672, "efabbe4b2289112b"),
    ("resnet50", 25_557_032, "584ee931ad382885"),
    ("resnet101", 44_549_160, "a85edc6cd135a89d"),
    ("resnet152", 60_192_808, "d9e4b3df983b2711"),
    ("resnext50_32x4d", 25_028_904, "379a66ba74321238"),
    ("wide_resnet50_2", 68_883_240, "2eeb42447858de4f"),
    ("mobilenetv2_100", 3_504_872, "fb193ed441ef69d9"),
    ("mobilenetv3_small_100", 2_542_856, "f5e518da1a2d7d3a"),
    ("mobilenetv3_large_100", 5_483_032, "45e47990ea6b1d0c"),
    ("efficientnet_b0", 5_288_548, "62576637d3698c34"),
    ("efficientnet_b1", 7_794_184, "e855a73999e6601f"),
    ("efficientnet_b2", 9_109_994, "0e8404faa0dcd0f8"),
    ("efficientnet_b3", 12_233_232, "9d055459d49f8f8c"),
    ("efficientnet_b4", 19_341_616, "717c940391729057"),
    ("tf_efficientnet_lite0", 4_652_008, "50a8af1596b033c3"),
    ("tf_efficientnet_lite1", 5_416_680, "c1c21417d4654fb2"),
    ("tf_efficientnet_lite2", 6_092_072, "59a3ef377b9b7d53"),
    ("tf_efficientnet_lite3", 8_197_096, "8415d5421d9c1a54"),
    ("tf_efficientnet_lite4", 13_006_568, "139d4630ac1285e9"),
    ("convnext_tiny", 28_589_128, "6a2556c605ee9b4f"),
    ("convnext_small", 50_223_688, "e1f54aa6ce4119f2"),
    ("convnext_base", 88_591_464, "f7e3abf6b07f4fe2"),
    ("vit_tiny_patch16_224", 5_717_416, "f67d4b872e4c717d"),
    ("vit_small_patch16_224", 22_050_664, "03e6e034b3796f89"),
    ("vit_base_patch16_224", 86_567_656, "c2466264757856c5"),
    ("deit_tiny_patch16_224", 5_717_416, "f67d4b872e4c717d"),
    ("deit_small_patch16_224", 22_050_664, "03e6e034b3796f89"),
    ("vit_small_patch14_dinov2", 22_441_192, "5bffe37ff49114ff"),
    ("vit_base_patch14_dinov2", 87_348_712, "5fac0833f9efd163"),
    ("densenet121", 7_978_856, "c4a956e878d257a8"),
    ("densenet169", 14_149_480, "fd90e10f1d684dad"),
    ("densenet201", 20_013_928, "0d8c78bf4f9952f3"),
    ("regnety_008", 6_263_168, "6e925611c8b88ed4"),
    ("regnety_016", 11_202_430, "019321e97022b43f"),
    ("regnety_032", 19_436_338, "e04dd8f180518cd9"),
];

#[test]
fn every_architecture_has_timms_tensors_and_counts() {
    for (name, count, digest) in TIMM {
        let graph = graph(name, None).unwrap();
        let tensors = || graph.parameters().map(|(_, parameter)| parameter);
        let weights = tensors().filter(|p| p.role.is_weight());
        assert_eq!(
            weights.map(|p| p.elements()).sum::<usize>(),
            *count,
            "{name}"
        );
        let mut lines: Vec<String> = tensors()
            .map(|p| format!("{} {:?}", p.name, p.file_shape()))
            .collect();
        lines.sort();
        let found = Sha256::digest(lines.join("\n"));
        let found = crate::text::hex(&found[..8]);
        assert_eq!(found, *digest, "{name}");
    }
}

/// From timm 1.0.29, the residual branches of `timm.create_model(arch, drop_path_rate=0.1)`:
/// ```python
/// paths = [(n, m.drop_prob) for n, m in model.named_modules() if isinstance(m, timm.layers.DropPath)]
/// print(arch, len(paths), paths[0], paths[-1])
/// ```
/// where EfficientNets have some that no branch goes through.
#[test]
fn drop_path_grows_with_depth_as_in_timm() {
    for (arch, count, first, last) in [
        (
            "resnet18",
            7,
            ("layer1.1.drop_path", 0.014286),
            ("layer4.1.drop_path", 0.1),
        ),
        (
            "resnet50",
            15,
            ("layer1.1.drop_path", 0.006667),
            ("layer4.2.drop_path", 0.1),
        ),
        (
            "efficientnet_b0",
            9,
            ("blocks.1.1.drop_path", 0.0125),
            ("blocks.5.3.drop_path", 0.0875),
        ),
        (
            "mobilenetv2_100",
            10,
            ("blocks.1.1.drop_path", 0.011765),
            ("blocks.5.2.drop_path", 0.088235),
        ),
        (
            "convnext_tiny",
            17,
            ("stages.0.blocks.1.drop_path", 0.005882),
            ("stages.3.blocks.2.drop_path", 0.1),
        ),
        (
            "vit_tiny_patch16_224",
            22,
            ("blocks.1.drop_path1", 0.009091),
            ("blocks.11.drop_path2", 0.1),
        ),
        (
            "regnety_008",
            13,
            ("s2.b1.drop_path", 0.007692),
            ("s4.b2.drop_path", 0.1),
        ),
    ] {
        let row = CATALOG.iter().find(|row| row.name == arch).unwrap();
        let (mut builder, images) = Builder::new(Shape::square(224, 3)).unwrap();
        builder.set_drop_path(0.1);
        row.family.backbone(&mut builder, images).unwrap();
        let graph = builder.finish();
        let paths = graph.nodes().iter().filter_map(|node| match &node.op {
            Op::DropPath(op) => Some((node.name.as_str(), op.rate)),
            _ => None,
        });
        let paths: Vec<(&str, f64)> = paths.collect();
        assert_eq!(paths.len(), count, "{arch}: {paths:?}");
        for (found, wanted) in [(paths[0], first), (paths[count - 1], last)] {
            assert_eq!(found.0, wanted.0);
            assert!((found.1 - wanted.1).abs() < 1e-6, "{arch}: {found:?}");
        }
    }
}

#[test]
fn every_architecture_fits_other_sizes_or_says_why_not() {
    for row in CATALOG {
        for size in [96, 252] {
            let graph = graph(row.name, Some(size)).unwrap();
            let logits = graph.nodes().last().unwrap().output;
            assert_eq!(
                logits,
                Shape::vector(IMAGENET_CLASSES),
                "{} at {size}",
                row.name
            );
        }
        if let Err(why) = graph(row.name, Some(1)) {
            assert!(why.contains("too small"), "{}: {why}", row.name);
        }
        assert!(graph(row.name, Some(usize::MAX)).is_err(), "{}", row.name);
    }
}
