//! Whose names the tensors of a file have.

use std::collections::BTreeSet;

use crate::spec::{Arch, HeadLayer, Role, Spec};
use crate::zoo::Alias;

/// Whose names a file uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// The runner's own.
    Ours,
    Torchvision,
    Timm,
}

impl Alias {
    fn name(&self, naming: Naming) -> &str {
        match naming {
            Naming::Ours => &self.ours,
            Naming::Torchvision => &self.torchvision,
            Naming::Timm => &self.timm,
        }
    }

    /// What follows this module's name in a tensor's.
    fn rest<'a>(&self, naming: Naming, tensor: &'a str) -> Option<&'a str> {
        tensor.strip_prefix(self.name(naming))?.strip_prefix('.')
    }
}

/// A tensor's name in another naming; none where it is not one of the architecture's.
pub(super) fn rename(arch: Arch, tensor: &str, from: Naming, to: Naming) -> Option<String> {
    arch.family.aliases().iter().find_map(|layer| {
        let rest = layer.rest(from, tensor)?;
        Some(format!("{}.{rest}", layer.name(to)))
    })
}

/// A tensor of ours as timm calls it; none where it is not one of the architecture's that have another name there.
pub fn timms_name(arch: Arch, tensor: &str) -> Option<String> {
    rename(arch, tensor, Naming::Ours, Naming::Timm)
}

/// A tensor of ours as Keras's files call it; none where that is as here.
pub(super) fn kerass_name(arch: Arch, tensor: &str) -> Option<String> {
    let mut parts = arch.family.kerass_parts().iter();
    let part = parts.find(|(ours, _)| tensor.contains(ours));
    part.map(|(ours, theirs)| tensor.replace(ours, theirs))
}

/// Whether a tensor belongs to the original classifier of the architecture.
pub(super) fn is_top(arch: Arch, tensor: &str, naming: Naming) -> bool {
    let top = |layer: &Alias| layer.top && layer.rest(naming, tensor).is_some();
    arch.family.aliases().iter().any(top)
}

/// Whether a tensor is one of the original classifier's last layer.
fn is_classifier(arch: Arch, tensor: &str, naming: Naming) -> bool {
    let ours = rename(arch, tensor, naming, Naming::Ours);
    let rest = |ours: &str| {
        let rest = ours.strip_prefix(arch.family.classifier())?;
        rest.strip_prefix('.').map(drop)
    };
    ours.is_some_and(|ours| rest(&ours).is_some())
}

/// Whose names these are.
pub(super) fn naming<'a>(mut tensors: impl Iterator<Item = &'a str> + Clone) -> Naming {
    let timm = |name: &str| name.starts_with("pre_logits.") || name.starts_with("head.fc.");
    // A head layer of the runner's may be called `features`.
    let is_numbered = |name: &str| {
        let rest = name.strip_prefix("features.");
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if !tensors.clone().any(is_numbered) {
        Naming::Ours
    } else if tensors.any(timm) {
        Naming::Timm
    } else {
        Naming::Torchvision
    }
}

/// What a tensor of ours is called, whoever named it.
pub(super) fn everywhere(arch: Arch, tensor: &str) -> Vec<String> {
    let elsewhere = [Naming::Torchvision, Naming::Timm];
    let elsewhere = elsewhere.map(|naming| rename(arch, tensor, Naming::Ours, naming));
    let elsewhere = elsewhere.into_iter().flatten();
    std::iter::once(tensor.to_owned())
        .chain(elsewhere)
        .collect()
}

/// Parts of tensors' names that give away networks which the runner does not build, the more special first.
const FAMILIES: [(&str, &str); 16] = [
    ("visual.", "a CLIP model"),
    ("vision_model.", "a CLIP or SigLIP model"),
    ("denseblock1.", "a DenseNet"),
    ("layer1.0.conv1.", "a ResNet"),
    ("s1.b1.conv1.", "a RegNet"),
    ("stages.0.blocks.0.conv_dw.", "a ConvNeXt"),
    (
        "stages.0.blocks.0.",
        "a network in stages, e.g. a ConvNeXt or Swin",
    ),
    ("layers.0.blocks.0.attn.", "a Swin transformer"),
    (
        "blocks.0.attn.",
        "a vision transformer (ViT, DeiT or DINOv2)",
    ),
    (
        "encoder.layers.encoder_layer_0.",
        "torchvision's vision transformer",
    ),
    ("blocks.0.0.conv_dw.", "a MobileNet or EfficientNet"),
    (
        "features.0.0.weight",
        "torchvision's MobileNet, EfficientNet or ConvNeXt",
    ),
    ("Mixed_5b.", "an Inception network"),
    ("inception3a.", "a GoogLeNet"),
    ("encoder.layer.0.", "a transformer of Hugging Face's"),
    ("model.layers.0.", "a language model"),
];

/// The family of networks that these names give away, where it is none of the runner's.
pub(super) fn family<'a>(tensors: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let has = |part: &str| tensors.clone().any(|name| name.contains(part));
    let found = FAMILIES.iter().find(|(part, _)| has(part));
    found.map(|(_, family)| *family)
}

/// The architecture whose backbone has exactly these layers.
pub(super) fn guess<'a>(tensors: impl Iterator<Item = &'a str>, naming: Naming) -> Option<Arch> {
    let depth = if naming == Naming::Ours { 1 } else { 2 };
    let layer = |name: &'a str| match name.match_indices('.').nth(depth - 1) {
        Some((end, _)) => name.get(..end).unwrap_or(name),
        None => name,
    };
    let found: BTreeSet<&str> = tensors.map(layer).collect();
    let looks_like = |arch: &Arch| {
        let (top, backbone): (Vec<Alias>, Vec<Alias>) = arch
            .family
            .aliases()
            .into_iter()
            .partition(|layer| layer.top);
        let beside = |name: &&&str| match naming {
            // A head of the runner's may have any name.
            Naming::Ours => name.starts_with("block") || name.starts_with("fire"),
            _ => !top.iter().any(|l| l.name(naming) == **name) && name.starts_with("features."),
        };
        let has = |layer: &Alias| found.contains(layer.name(naming));
        let own = |name: &&str| backbone.iter().any(|layer| layer.name(naming) == *name);
        !backbone.is_empty() && backbone.iter().all(has) && found.iter().filter(beside).all(own)
    };
    Arch::all().find(looks_like)
}

/// How much of a published network a spec takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What gives the features.
    Features,
    /// That, and what its family does with them before its classifier.
    Pooled,
    /// The classifier too.
    Whole,
}

impl Part {
    /// What this spec takes.
    pub fn of(spec: &Spec) -> Self {
        let pools = |layer: &HeadLayer| layer.role() == Role::Pooling;
        if spec.backbone.include_top {
            Part::Whole
        } else if spec.head.iter().any(pools) {
            Part::Pooled
        } else {
            Part::Features
        }
    }
}

/// Whether a tensor of timm's or torchvision's file of `arch` is used.
pub fn needed(arch: Arch, part: Part) -> impl Fn(&str) -> bool {
    let foreign = [Naming::Timm, Naming::Torchvision];
    let is = move |left_out: fn(Arch, &str, Naming) -> bool, tensor: &str| {
        foreign.iter().any(|naming| left_out(arch, tensor, *naming))
    };
    move |tensor| {
        !is_counter(tensor)
            && match part {
                Part::Features => !is(is_top, tensor),
                Part::Pooled => !is(is_classifier, tensor),
                Part::Whole => true,
            }
    }
}

/// Whether this is one of PyTorch's counters of training batches, which nothing here uses.
pub(super) fn is_counter(name: &str) -> bool {
    name == "num_batches_tracked" || name.ends_with(".num_batches_tracked")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arch(name: &str) -> Arch {
        Arch::named(name).unwrap()
    }

    fn numbers(arch: Arch) -> Vec<usize> {
        let features = arch.family.aliases().into_iter();
        let number = |layer: Alias| layer.timm.strip_prefix("features.")?.parse().ok();
        features.filter_map(number).collect()
    }

    // The N of the keys `features.N.weight` in torchvision's state dictionaries.
    #[test]
    fn vgg_layers_have_torchvisions_numbers() {
        assert_eq!(numbers(arch("vgg11")), [0, 3, 6, 8, 11, 13, 16, 18]);
        assert_eq!(
            numbers(arch("vgg16")),
            [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
        );
        assert_eq!(
            numbers(arch("vgg19")),
            [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
        );
        assert_eq!(
            numbers(arch("vgg11_bn")),
            [0, 1, 4, 5, 8, 9, 11, 12, 15, 16, 18, 19, 22, 23, 25, 26]
        );
        assert_eq!(numbers(arch("vgg16_bn")).last(), Some(&41));
    }

    #[test]
    fn names_go_there_and_back() {
        for (arch, ours, torchvision, timm) in [
            (
                arch("vgg16"),
                "block5_conv3.bias",
                "features.28.bias",
                "features.28.bias",
            ),
            (
                arch("vgg16_bn"),
                "block1_conv2_bn.running_mean",
                "features.4.running_mean",
                "features.4.running_mean",
            ),
            (
                arch("vgg13"),
                "fc1.weight",
                "classifier.0.weight",
                "pre_logits.fc1.weight",
            ),
            (
                arch("vgg13"),
                "predictions.bias",
                "classifier.6.bias",
                "head.fc.bias",
            ),
            (
                arch("squeezenet1_1"),
                "fire9.expand3x3.bias",
                "features.12.expand3x3.bias",
                "features.12.expand3x3.bias",
            ),
            (
                arch("squeezenet1_1"),
                "conv10.weight",
                "classifier.1.weight",
                "classifier.1.weight",
            ),
        ] {
            for (naming, name) in [(Naming::Torchvision, torchvision), (Naming::Timm, timm)] {
                assert_eq!(
                    rename(arch, name, naming, Naming::Ours).as_deref(),
                    Some(ours)
                );
                assert_eq!(
                    rename(arch, ours, Naming::Ours, naming).as_deref(),
                    Some(name)
                );
            }
        }
        assert_eq!(
            rename(
                arch("vgg16"),
                "features.1.weight",
                Naming::Timm,
                Naming::Ours
            ),
            None
        );
    }

    #[test]
    fn every_architecture_is_recognized_by_its_layers() {
        let renamed = |arch: &Arch| arch.family.aliases().iter().any(|layer| !layer.top);
        for arch in Arch::all().filter(renamed) {
            for naming in [Naming::Ours, Naming::Torchvision, Naming::Timm] {
                let names: Vec<String> = arch
                    .family
                    .aliases()
                    .iter()
                    .filter(|layer| !layer.top)
                    .map(|layer| format!("{}.weight", layer.name(naming)))
                    .collect();
                let names = names.iter().map(String::as_str).chain(["dense.weight"]);
                assert_eq!(guess(names, naming), Some(arch));
            }
        }
    }

    #[test]
    fn the_top_and_the_counters_are_not_needed() {
        let backbone = needed(arch("vgg16_bn"), Part::Features);
        let all = needed(arch("vgg16_bn"), Part::Whole);
        for top in [
            "pre_logits.fc1.weight",
            "head.fc.bias",
            "classifier.6.weight",
        ] {
            assert!(!backbone(top) && all(top), "{top}");
        }
        assert!(backbone("features.1.running_var"));
        assert!(!all("features.1.num_batches_tracked"));
    }

    #[test]
    fn a_pooled_part_has_all_but_the_last_layer() {
        for (name, pooled, classifier) in [
            ("vgg16", "pre_logits.fc2.weight", "head.fc.weight"),
            ("convnext_tiny", "head.norm.weight", "head.fc.weight"),
            (
                "mobilenetv3_small_100",
                "conv_head.bias",
                "classifier.weight",
            ),
        ] {
            assert!(!needed(arch(name), Part::Features)(pooled), "{pooled}");
            assert!(needed(arch(name), Part::Pooled)(pooled), "{pooled}");
            assert!(!needed(arch(name), Part::Pooled)(classifier), "{name}");
            assert!(needed(arch(name), Part::Whole)(classifier), "{name}");
        }
    }
}
