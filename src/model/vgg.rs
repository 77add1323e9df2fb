//! VGG (Simonyan and Zisserman, 2014), by Keras's layer names.

use super::blueprint::Builder;
use super::layer::Layer;
use crate::ops::{Conv2dConfig, Pool2dConfig};
use crate::spec::{Activation, Arch};

/// Channels of the five blocks.
const FILTERS: [usize; 5] = [64, 128, 256, 512, 512];

/// torchvision's batch norm: `momentum = 0.1` counted the other way round, `eps = 1e-5`.
const BATCH_NORM: Layer = Layer::BatchNormalization {
    momentum: 0.9,
    epsilon: 1e-5,
    relu: true,
};

/// Convolutions in each of the five blocks (Simonyan and Zisserman, table 1: A, B, D, E), and whether each is
/// followed by batch normalization; none for other families.
pub fn plan(arch: Arch) -> Option<([usize; 5], bool)> {
    Some(match arch {
        Arch::Vgg11 => ([1, 1, 2, 2, 2], false),
        Arch::Vgg11Bn => ([1, 1, 2, 2, 2], true),
        Arch::Vgg13 => ([2, 2, 2, 2, 2], false),
        Arch::Vgg13Bn => ([2, 2, 2, 2, 2], true),
        Arch::Vgg16 => ([2, 2, 3, 3, 3], false),
        Arch::Vgg16Bn => ([2, 2, 3, 3, 3], true),
        Arch::Vgg19 => ([2, 2, 4, 4, 4], false),
        Arch::Vgg19Bn => ([2, 2, 4, 4, 4], true),
        Arch::Squeezenet1_1 => return None,
    })
}

/// The convolutional part: `block1_conv1` … `block5_pool`.
///
/// # Errors
/// An input too small for five poolings.
pub fn backbone(
    chain: &mut Builder,
    convolutions: [usize; 5],
    batch_norm: bool,
) -> Result<(), String> {
    let config = Conv2dConfig {
        padding: 1,
        relu: !batch_norm,
        ..Conv2dConfig::default()
    };
    let pool = Pool2dConfig {
        kernel: 2,
        stride: 2,
        padding: 0,
        ceil_mode: false,
    };
    for (block, (count, filters)) in convolutions.into_iter().zip(FILTERS).enumerate() {
        let block = block + 1;
        for conv in 1..=count {
            let name = format!("block{block}_conv{conv}");
            chain.push(
                &name,
                Layer::Conv2d {
                    filters,
                    size: 3,
                    config,
                },
            )?;
            if batch_norm {
                chain.push(format!("{name}_bn"), BATCH_NORM)?;
            }
        }
        chain.push(format!("block{block}_pool"), Layer::MaxPool2d(pool))?;
    }
    Ok(())
}

/// The original classifier: `flatten`, `fc1`, `fc2`, `predictions`.
///
/// # Errors
/// None in practice: a backbone's output can always be flattened.
pub fn top(chain: &mut Builder, classes: usize) -> Result<(), String> {
    chain.push("flatten", Layer::Flatten)?;
    for name in ["fc1", "fc2"] {
        chain.push(
            name,
            Layer::Dense {
                units: 4096,
                activation: Activation::Relu,
            },
        )?;
    }
    chain.push(
        "predictions",
        Layer::Dense {
            units: classes,
            activation: Activation::Linear,
        },
    )
}
