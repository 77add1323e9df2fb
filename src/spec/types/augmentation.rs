//! `[augmentation]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[augmentation]`: applied to training images only, in the order crop, shift, flips, rotation, one of many, colours,
/// erasing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Mirror each image left to right with probability one half.
    #[serde(default)]
    pub horizontal_flip: bool,
    /// Pad by this many pixels of zero on every side, then crop the old size at a random place.
    #[serde(default)]
    pub random_crop_padding: usize,
    /// Mirror each image top to bottom with probability one half.
    #[serde(default, skip_serializing_if = "is_default")]
    pub vertical_flip: bool,
    /// Rotate about the centre by an angle between minus and plus this many degrees; bilinear, black outside.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 0, max = 180))]
    pub rotation: f64,
    /// Take a random part of each image and resize it to the input, as torchvision's `RandomResizedCrop`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub random_resized_crop: Option<RandomResizedCrop>,
    /// Change brightness, contrast, saturation and hue, as torchvision's `ColorJitter`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub color_jitter: Option<ColorJitter>,
    /// One random change of random strength, as torchvision's `TrivialAugmentWide`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trivial_augment: bool,
    /// The probability with which a random part of an image becomes zero after normalization, as torchvision's
    /// `RandomErasing`.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 0, max = 1))]
    pub random_erasing: f64,
    /// Blend the images of a batch with one another, by shares of a Beta(m, m) distribution, as torchvision's `MixUp`; 0
    /// does not. Their losses are mixed by the same shares.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 0))]
    pub mixup: f64,
    /// Replace a part of each image by another image's, as torchvision's `CutMix`; 0 does not. With `mixup` too, one of
    /// both is taken for each batch.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 0))]
    pub cutmix: f64,
    /// So many fixed views of each image, one per epoch in turn, so that the frozen part is computed once for each of
    /// them; without it, every epoch has new ones.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 1))]
    pub views: Option<usize>,
}

impl Augmentation {
    /// Whether anything random is done to a training image.
    pub fn is_active(&self) -> bool {
        self.of_an_epoch() != Augmentation::default()
    }

    /// What happens to an image, however many views of it there are.
    pub fn of_an_epoch(&self) -> Self {
        Augmentation {
            views: None,
            ..self.clone()
        }
    }

    /// How often each training image goes through the frozen part: in so many forms that stay the same; none where every
    /// epoch has new ones.
    pub fn fixed_views(&self) -> Option<usize> {
        match self.is_active() {
            true => self.views,
            false => Some(1),
        }
    }

    /// Whether the images of a batch are mixed with one another.
    pub fn mixes(&self) -> bool {
        self.mixup > 0.0 || self.cutmix > 0.0
    }

    /// Which view an epoch (from 1) sees, from 1.
    pub fn view(&self, epoch: u64) -> u64 {
        let views = self.views.map_or(u64::MAX, |views| views.max(1) as u64);
        epoch.saturating_sub(1) % views + 1
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `augmentation.random_resized_crop`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RandomResizedCrop {
    /// The smallest and the largest share of the image's area.
    pub scale: [f64; 2],
    /// The smallest and the largest width divided by height.
    pub ratio: [f64; 2],
}

/// torchvision's.
impl Default for RandomResizedCrop {
    fn default() -> Self {
        RandomResizedCrop {
            scale: [0.08, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
        }
    }
}

/// `augmentation.color_jitter`: how far each is changed at most; 0 leaves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ColorJitter {
    /// By a factor in [max(0, 1 - b), 1 + b].
    #[schemars(range(min = 0))]
    pub brightness: f64,
    /// By a factor in [max(0, 1 - c), 1 + c].
    #[schemars(range(min = 0))]
    pub contrast: f64,
    /// By a factor in [max(0, 1 - s), 1 + s].
    #[schemars(range(min = 0))]
    pub saturation: f64,
    /// By a part of the circle in [-h, h].
    #[schemars(range(min = 0, max = 0.5))]
    pub hue: f64,
}

impl ColorJitter {
    /// Whether it changes anything.
    pub fn is_active(&self) -> bool {
        *self != ColorJitter::default()
    }
}
