//! `augmentation.trivial_augment`: one random change of random strength, as torchvision's `TrivialAugmentWide` with
//! `InterpolationMode.BILINEAR`.

use super::affine::Affine;
use super::picture::Picture;
use super::transform::Transform;
use super::{color, enhance};

pub(super) const TRANSFORM: Transform = Transform {
    is_active: |spec| spec.trivial_augment,
    apply: |_, stream, picture| {
        let change = CHANGES[stream.below(CHANGES.len() as u32) as usize];
        let bin = stream.below(BINS);
        let sign = if stream.below(2) == 1 { -1.0 } else { 1.0 };
        change(picture, f64::from(bin) / f64::from(BINS - 1), sign);
    },
};

/// How many strengths there are, from none to the largest.
const BINS: u32 = 31;

/// Changes a picture by a strength in [0, 1] of the largest, in the direction of a sign.
type Change = fn(&mut Picture, f64, f64);

/// `TrivialAugmentWide._augmentation_space`, in its order.
const CHANGES: [Change; 14] = [
    |_, _, _| {},
    |picture, strength, sign| {
        let shear = sign * 0.99 * strength;
        Affine([1.0, shear, 0.0, 0.0, 1.0, 0.0]).apply(picture);
    },
    |picture, strength, sign| {
        let shear = sign * 0.99 * strength;
        Affine([1.0, 0.0, 0.0, shear, 1.0, 0.0]).apply(picture);
    },
    // Whole pixels.
    |picture, strength, sign| {
        let shift = (sign * 32.0 * strength).trunc();
        Affine([1.0, 0.0, -shift, 0.0, 1.0, 0.0]).apply(picture);
    },
    |picture, strength, sign| {
        let shift = (sign * 32.0 * strength).trunc();
        Affine([1.0, 0.0, 0.0, 0.0, 1.0, -shift]).apply(picture);
    },
    |picture, strength, sign| {
        Affine::rotation(sign * 135.0 * strength, picture.sides()).apply(picture);
    },
    |picture, strength, sign| color::brightness(picture, factor(strength, sign)),
    |picture, strength, sign| color::saturation(picture, factor(strength, sign)),
    |picture, strength, sign| color::contrast(picture, factor(strength, sign)),
    |picture, strength, sign| enhance::sharpness(picture, factor(strength, sign)),
    |picture, strength, _| {
        enhance::posterize(picture, 8 - (6.0 * strength).round_ties_even() as u32)
    },
    |picture, strength, _| enhance::solarize(picture, 255.0 * (1.0 - strength)),
    |picture, _, _| enhance::autocontrast(picture),
    |picture, _, _| enhance::equalize(picture),
];

fn factor(strength: f64, sign: f64) -> f32 {
    (1.0 + sign * 0.99 * strength) as f32
}
