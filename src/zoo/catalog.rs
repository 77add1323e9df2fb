//! Every architecture that can be built, and where its weights are published.

use super::Family;
use super::convnext::Convnext;
use super::densenet::Densenet;
use super::efficientnet::{Efficientnet, MOBILENET_V2, MOBILENET_V3_LARGE, MOBILENET_V3_SMALL};
use super::regnet::Regnet;
use super::resnet::Resnet;
use super::squeezenet::Squeezenet;
use super::vgg::Vgg;
use super::vit::Vit;
use crate::pixels::{Interpolation, NormalizationScheme};

/// A row of the catalog.
pub struct Architecture {
    /// As in a spec.
    pub name: &'static str,
    pub family: &'static dyn Family,
    /// The side of the images that it was published with.
    pub input_size: usize,
    /// Where its ImageNet weights are; none where nobody dependable publishes them as safetensors.
    pub imagenet: Option<Published>,
    /// What `keras.applications` downloads.
    pub keras: Option<KerasFiles>,
}

/// The two files of `keras.applications`, with the MD5 that its `get_file` checks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KerasFiles {
    pub whole: KerasFile,
    /// Without the classifier and what is before it.
    pub without_top: KerasFile,
}

/// An HDF5 file of `keras.applications`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KerasFile {
    /// The folder that it lies in; its name begins likewise.
    pub folder: &'static str,
    /// What its name ends with.
    ending: &'static str,
    pub md5: &'static str,
}

impl KerasFile {
    /// `vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5`
    pub fn name(&self) -> String {
        let KerasFile { folder, ending, .. } = self;
        format!("{folder}_weights_tf_dim_ordering_tf_kernels{ending}.h5")
    }
}

/// A file `model.safetensors` on the Hugging Face hub.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    pub repository: &'static str,
    pub revision: &'static str,
    /// Who trained them, and what they call them.
    pub whose: &'static str,
    /// How the images were normalized that they were trained on.
    pub scheme: NormalizationScheme,
    /// What part of the resized images' shorter side they were tested on; timm's `crop_pct`.
    pub crop: f64,
    /// How these images were resized.
    pub interpolation: Interpolation,
}

impl Architecture {
    /// With Keras's files, of these MD5: `keras/src/applications/vgg16.py` of Keras 3.15.1.
    const fn keras(mut self, whole: &'static str, without_top: &'static str) -> Self {
        let folder = self.name;
        self.keras = Some(KerasFiles {
            whole: KerasFile {
                folder,
                ending: "",
                md5: whole,
            },
            without_top: KerasFile {
                folder,
                ending: "_notop",
                md5: without_top,
            },
        });
        self
    }

    /// With weights whose images had values in [-1, 1] rather than ImageNet's mean and deviation.
    const fn symmetric(mut self) -> Self {
        if let Some(published) = &mut self.imagenet {
            published.scheme = NormalizationScheme::Symmetric;
        }
        self
    }

    /// With weights that were tested on another part of the images than 0.875.
    const fn crop(mut self, crop: f64) -> Self {
        if let Some(published) = &mut self.imagenet {
            published.crop = crop;
        }
        self
    }

    /// With weights that were tested on images resized bilinearly.
    const fn bilinear(mut self) -> Self {
        if let Some(published) = &mut self.imagenet {
            published.interpolation = Interpolation::Bilinear;
        }
        self
    }
}

/// A row with timm's weights, at the head of their repository.
const fn timm(
    name: &'static str,
    family: &'static dyn Family,
    input_size: usize,
    repository: &'static str,
) -> Architecture {
    Architecture {
        name,
        family,
        input_size,
        imagenet: Some(Published {
            repository,
            revision: "main",
            whose: repository,
            scheme: NormalizationScheme::Imagenet,
            crop: 0.875,
            interpolation: Interpolation::Bicubic,
        }),
        keras: None,
    }
}

/// A row with timm's copy of torchvision's weights.
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
            crop: 0.875,
            interpolation: Interpolation::Bilinear,
        }),
        keras: None,
    }
}

const fn resnet(blocks: [usize; 4], bottleneck: bool) -> Resnet {
    Resnet {
        blocks,
        bottleneck,
        groups: 1,
        width: 64,
    }
}

/// With bottlenecks of this many groups, each of this width.
const fn resnext(blocks: [usize; 4], groups: usize, width: usize) -> Resnet {
    Resnet {
        groups,
        width,
        ..resnet(blocks, true)
    }
}

const fn convnext(blocks: [usize; 4], channels: usize) -> Convnext {
    Convnext { blocks, channels }
}

const fn densenet(layers: [usize; 4]) -> Densenet {
    Densenet { layers }
}

const fn vit(patch: usize, channels: usize, layer_scale: bool) -> Vit {
    Vit {
        patch,
        channels,
        layer_scale,
    }
}

const fn regnet(stages: [(usize, usize); 4], group: usize) -> Regnet {
    Regnet { stages, group }
}

/// Convolutions in each of the five blocks: Simonyan and Zisserman, table 1.
const A: [usize; 5] = [1, 1, 2, 2, 2];
const B: [usize; 5] = [2, 2, 2, 2, 2];
const D: [usize; 5] = [2, 2, 3, 3, 3];
const E: [usize; 5] = [2, 2, 4, 4, 4];

/// What `keras.applications` has of VGG: Oxford's own weights, converted. Keras does not say how much of an image was looked
/// at; this is what Oxford's networks were tested with, the middle of images resized to 256.
pub const KERAS: Published = Published {
    repository: "keras.applications",
    revision: "",
    whose: "Oxford's weights",
    scheme: NormalizationScheme::Caffe,
    crop: 0.875,
    interpolation: Interpolation::Bilinear,
};

const VGG16_REVISION: &str = "b8d8aa2dd860af9233c8c67385a8097fd6c35d3f";

/// The architectures by name, with the weights that timm takes where no others are named; of VGG, its copies of
/// torchvision's `IMAGENET1K_V1`. How their images are prepared is what timm 1.0.29 says:
///
/// ```python
/// c = timm.get_pretrained_cfg("resnet18.a1_in1k")
/// print(c.input_size, c.mean, c.std, c.interpolation, c.crop_pct)   # crop_mode is "center" everywhere
/// ```
#[rustfmt::skip]
pub static CATALOG: &[Architecture] = &[
    vgg("vgg11", &Vgg::new(A, false), "timm/vgg11.tv_in1k", "main"),
    vgg("vgg11_bn", &Vgg::new(A, true), "timm/vgg11_bn.tv_in1k", "main"),
    vgg("vgg13", &Vgg::new(B, false), "timm/vgg13.tv_in1k", "main"),
    vgg("vgg13_bn", &Vgg::new(B, true), "timm/vgg13_bn.tv_in1k", "main"),
    vgg("vgg16", &Vgg::new(D, false), "timm/vgg16.tv_in1k", VGG16_REVISION)
        .keras("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
    vgg("vgg16_bn", &Vgg::new(D, true), "timm/vgg16_bn.tv_in1k", "main"),
    vgg("vgg19", &Vgg::new(E, false), "timm/vgg19.tv_in1k", "main")
        .keras("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
    vgg("vgg19_bn", &Vgg::new(E, true), "timm/vgg19_bn.tv_in1k", "main"),
    // Neither timm nor torchvision has it as safetensors, only personal repositories.
    Architecture { name: "squeezenet1_1", family: &Squeezenet, input_size: 224, imagenet: None, keras: None },
    timm("resnet18", &resnet([2, 2, 2, 2], false), 224, "timm/resnet18.a1_in1k").crop(0.95),
    timm("resnet34", &resnet([3, 4, 6, 3], false), 224, "timm/resnet34.a1_in1k").crop(0.95),
    timm("resnet50", &resnet([3, 4, 6, 3], true), 224, "timm/resnet50.a1_in1k").crop(0.95),
    timm("resnet101", &resnet([3, 4, 23, 3], true), 224, "timm/resnet101.a1h_in1k").crop(0.95),
    timm("resnet152", &resnet([3, 8, 36, 3], true), 224, "timm/resnet152.a1h_in1k").crop(0.95),
    timm("resnext50_32x4d", &resnext([3, 4, 6, 3], 32, 4), 224, "timm/resnext50_32x4d.a1h_in1k").crop(0.95),
    timm("wide_resnet50_2", &resnext([3, 4, 6, 3], 1, 128), 224, "timm/wide_resnet50_2.racm_in1k"),
    timm("mobilenetv2_100", &MOBILENET_V2, 224, "timm/mobilenetv2_100.ra_in1k"),
    timm("mobilenetv3_small_100", &MOBILENET_V3_SMALL, 224, "timm/mobilenetv3_small_100.lamb_in1k"),
    timm("mobilenetv3_large_100", &MOBILENET_V3_LARGE, 224, "timm/mobilenetv3_large_100.ra_in1k"),
    timm("efficientnet_b0", &Efficientnet::b(1.0, 1.0), 224, "timm/efficientnet_b0.ra_in1k"),
    timm("efficientnet_b1", &Efficientnet::b(1.0, 1.1), 240, "timm/efficientnet_b1.ra4_e3600_r240_in1k").symmetric().crop(0.9),
    timm("efficientnet_b2", &Efficientnet::b(1.1, 1.2), 256, "timm/efficientnet_b2.ra_in1k"),
    timm("efficientnet_b3", &Efficientnet::b(1.2, 1.4), 288, "timm/efficientnet_b3.ra2_in1k"),
    timm("efficientnet_b4", &Efficientnet::b(1.4, 1.8), 320, "timm/efficientnet_b4.ra2_in1k"),
    timm("tf_efficientnet_lite0", &Efficientnet::lite(1.0, 1.0), 224, "timm/tf_efficientnet_lite0.in1k").symmetric(),
    timm("tf_efficientnet_lite1", &Efficientnet::lite(1.0, 1.1), 240, "timm/tf_efficientnet_lite1.in1k").symmetric().crop(0.882),
    timm("tf_efficientnet_lite2", &Efficientnet::lite(1.1, 1.2), 260, "timm/tf_efficientnet_lite2.in1k").symmetric().crop(0.89),
    timm("tf_efficientnet_lite3", &Efficientnet::lite(1.2, 1.4), 300, "timm/tf_efficientnet_lite3.in1k").symmetric().crop(0.904).bilinear(),
    timm("tf_efficientnet_lite4", &Efficientnet::lite(1.4, 1.8), 380, "timm/tf_efficientnet_lite4.in1k").symmetric().crop(0.92).bilinear(),
    timm("convnext_tiny", &convnext([3, 3, 9, 3], 96), 224, "timm/convnext_tiny.in12k_ft_in1k").crop(0.95),
    timm("convnext_small", &convnext([3, 3, 27, 3], 96), 224, "timm/convnext_small.in12k_ft_in1k").crop(0.95),
    timm("convnext_base", &convnext([3, 3, 27, 3], 128), 224, "timm/convnext_base.fb_in22k_ft_in1k"),
    timm("vit_tiny_patch16_224", &vit(16, 192, false), 224, "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k").symmetric().crop(0.9),
    timm("vit_small_patch16_224", &vit(16, 384, false), 224, "timm/vit_small_patch16_224.augreg_in21k_ft_in1k").symmetric().crop(0.9),
    timm("vit_base_patch16_224", &vit(16, 768, false), 224, "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k").symmetric().crop(0.9),
    timm("deit_tiny_patch16_224", &vit(16, 192, false), 224, "timm/deit_tiny_patch16_224.fb_in1k").crop(0.9),
    timm("deit_small_patch16_224", &vit(16, 384, false), 224, "timm/deit_small_patch16_224.fb_in1k").crop(0.9),
    timm("vit_small_patch14_dinov2", &vit(14, 384, true), 518, "timm/vit_small_patch14_dinov2.lvd142m").crop(1.0),
    timm("vit_base_patch14_dinov2", &vit(14, 768, true), 518, "timm/vit_base_patch14_dinov2.lvd142m").crop(1.0),
    timm("densenet121", &densenet([6, 12, 24, 16]), 224, "timm/densenet121.ra_in1k"),
    timm("densenet169", &densenet([6, 12, 32, 32]), 224, "timm/densenet169.tv_in1k"),
    timm("densenet201", &densenet([6, 12, 48, 32]), 224, "timm/densenet201.tv_in1k"),
    timm("regnety_008", &regnet([(1, 64), (3, 128), (8, 320), (2, 768)], 16), 224, "timm/regnety_008.pycls_in1k"),
    timm("regnety_016", &regnet([(2, 48), (6, 120), (17, 336), (2, 888)], 24), 224, "timm/regnety_016.tv2_in1k").crop(0.965),
    timm("regnety_032", &regnet([(2, 72), (5, 216), (13, 576), (1, 1512)], 24), 224, "timm/regnety_032.ra_in1k").crop(0.95),
];
