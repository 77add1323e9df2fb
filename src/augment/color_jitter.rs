//! `augmentation.color_jitter`, as torchvision's `ColorJitter`.

use super::color;
use super::picture::Picture;
use super::transform::{Draws, Transform, between};
use crate::rng::Stream;
use crate::spec::ColorJitter;

pub(super) const TRANSFORM: Transform = Transform {
    is_active: |spec| spec.color_jitter.is_some_and(|jitter| jitter.is_active()),
    apply,
};

/// In a random order; a factor is drawn from [max(0, 1 - s), 1 + s], a hue's turn from [-s, s]. All are drawn, so that none
/// changes the others.
fn apply(draws: &Draws<'_>, stream: &mut Stream, picture: &mut Picture) {
    let jitter = draws.spec.color_jitter.unwrap_or_default();
    let ColorJitter {
        brightness,
        contrast,
        saturation,
        hue,
    } = jitter;
    let mut order = [0, 1, 2, 3];
    stream.shuffle(&mut order);
    let factors = [brightness, contrast, saturation]
        .map(|s| between(stream, (1.0 - s).max(0.0), 1.0 + s) as f32);
    let turn = between(stream, -hue, hue);
    for step in order {
        match step {
            0 if brightness > 0.0 => color::brightness(picture, factors[0]),
            1 if contrast > 0.0 => color::contrast(picture, factors[1]),
            2 if saturation > 0.0 => color::saturation(picture, factors[2]),
            3 if hue > 0.0 => color::hue(picture, turn),
            _ => {}
        }
    }
}
