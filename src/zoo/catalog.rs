//! Every architecture that can be built, and where its weights are published.

use super::Family;
use super::squeezenet::Squeezenet;
use super::vgg::Vgg;
use crate::spec::NormalizationScheme;

/// A row of the catalog.
pub struct Architecture {
    /// As in a spec.
    pub name: &'static str,
    pub family: &'static dyn Family,
    /// The side of the images that it was published with.
    pub input_size: usize,
    /// Where its ImageNet weights are; none where nobody dependable publishes them as safetensors.
    pub imagenet: Option<Published>,
}

/// A file `model.safetensors` on the Hugging Face hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    pub repository: &'static str,
    pub revision: &'static str,
    /// Who trained them, and what they call them.
    pub whose: &'static str,
    /// How the images were normalized that they were trained on.
    pub scheme: NormalizationScheme,
}

const fn vgg(
    name: &'static str,
    family: &'static Vgg,
    repository: &'static str,
    revision: &'static str,
) -> Architecture {
    Architecture {
        name,
        family,
        input_size: 224,
        imagenet: Some(Published {
            repository,
            revision,
            // Trained with `ImageClassification` of `torchvision/transforms/_presets.py`.
            whose: "torchvision's IMAGENET1K_V1",
            scheme: NormalizationScheme::Imagenet,
        }),
    }
}

/// Convolutions in each of the five blocks: Simonyan and Zisserman, table 1.
const A: [usize; 5] = [1, 1, 2, 2, 2];
const B: [usize; 5] = [2, 2, 2, 2, 2];
const D: [usize; 5] = [2, 2, 3, 3, 3];
const E: [usize; 5] = [2, 2, 4, 4, 4];

const VGG16_REVISION: &str = "b8d8aa2dd860af9233c8c67385a8097fd6c35d3f";

/// The architectures by name. The weights are timm's copies of torchvision's `IMAGENET1K_V1`.
#[rustfmt::skip]
pub static CATALOG: &[Architecture] = &[
    vgg("vgg11", &Vgg::new(A, false), "timm/vgg11.tv_in1k", "main"),
    vgg("vgg11_bn", &Vgg::new(A, true), "timm/vgg11_bn.tv_in1k", "main"),
    vgg("vgg13", &Vgg::new(B, false), "timm/vgg13.tv_in1k", "main"),
    vgg("vgg13_bn", &Vgg::new(B, true), "timm/vgg13_bn.tv_in1k", "main"),
    vgg("vgg16", &Vgg::new(D, false), "timm/vgg16.tv_in1k", VGG16_REVISION),
    vgg("vgg16_bn", &Vgg::new(D, true), "timm/vgg16_bn.tv_in1k", "main"),
    vgg("vgg19", &Vgg::new(E, false), "timm/vgg19.tv_in1k", "main"),
    vgg("vgg19_bn", &Vgg::new(E, true), "timm/vgg19_bn.tv_in1k", "main"),
    // Neither timm nor torchvision has it as safetensors, only personal repositories.
    Architecture { name: "squeezenet1_1", family: &Squeezenet, input_size: 224, imagenet: None },
];
