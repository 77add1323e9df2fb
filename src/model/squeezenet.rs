//! SqueezeNet 1.1 (Iandola et al., 2016), with torchvision's rounding of the pooled sizes.

use super::blueprint::Builder;
use super::layer::Layer;
use crate::ops::{Conv2dConfig, Pool2dConfig};

/// A 3×3 pooling of stride 2 that rounds the size up.
const POOL: Layer = Layer::MaxPool2d(Pool2dConfig {
    kernel: 3,
    stride: 2,
    padding: 0,
    ceil_mode: true,
});

/// The part that gives features: `conv1`, `pool1`, `fire2` … `fire9`.
///
/// # Errors
/// An input too small for the convolution and the poolings.
pub fn backbone(chain: &mut Builder) -> Result<(), String> {
    let config = Conv2dConfig {
        stride: 2,
        relu: true,
        ..Conv2dConfig::default()
    };
    chain.push(
        "conv1",
        Layer::Conv2d {
            filters: 64,
            size: 3,
            config,
        },
    )?;
    chain.push("pool1", POOL)?;
    let mut fires = [
        (16, 64),
        (16, 64),
        (32, 128),
        (32, 128),
        (48, 192),
        (48, 192),
        (64, 256),
        (64, 256),
    ]
    .into_iter()
    .zip(2..)
    .map(|((squeeze, expand), i)| (format!("fire{i}"), Layer::Fire { squeeze, expand }));
    for (pool, before) in [("pool3", 2), ("pool5", 2)] {
        fires
            .by_ref()
            .take(before)
            .try_for_each(|(name, fire)| chain.push(name, fire))?;
        chain.push(pool, POOL)?;
    }
    fires.try_for_each(|(name, fire)| chain.push(name, fire))
}

/// The original classifier: `dropout`, `conv10`, `global_average_pooling`.
///
/// # Errors
/// None in practice: a backbone's output is always a feature map.
pub fn top(chain: &mut Builder, classes: usize) -> Result<(), String> {
    let config = Conv2dConfig {
        relu: true,
        ..Conv2dConfig::default()
    };
    chain.push("dropout", Layer::Dropout { rate: 0.5 })?;
    chain.push(
        "conv10",
        Layer::Conv2d {
            filters: classes,
            size: 1,
            config,
        },
    )?;
    chain.push("global_average_pooling", Layer::GlobalAveragePooling)
}
