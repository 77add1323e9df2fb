//! Random changes to training images. To add one is to add a file, its row here, and its key in `[augmentation]`.
//!
//! What happens to an image in an epoch follows from (seed, epoch, the image's place in the training part), by values of
//! its own for each transform: neither the threads nor another transform change it.

mod affine;
mod color;
mod color_jitter;
mod crop;
mod enhance;
mod erase;
mod mix;
mod picture;
mod shift;
mod transform;
mod trivial;

pub use erase::erase;
pub use mix::Mix;
pub use picture::Picture;
pub use transform::Which;

use crate::pixels::Sides;
use crate::spec::{Augmentation, Interpolation};
use transform::{Draws, Slot, Transform};

/// Every transform, in the order in which they are applied.
const TRANSFORMS: [(Slot, Transform); 6] = [
    (Slot::Crop, crop::TRANSFORM),
    (Slot::Shift, shift::TRANSFORM),
    (Slot::VerticalFlip, shift::VERTICAL),
    (Slot::Rotation, affine::TRANSFORM),
    (Slot::Trivial, trivial::TRANSFORM),
    (Slot::ColorJitter, color_jitter::TRANSFORM),
];

/// Changes a training image as it is in this epoch. A random resized crop makes it one of this `size`, resampled
/// with `interpolation`; else it keeps its size.
pub fn augment(
    spec: &Augmentation,
    (size, interpolation): (Sides, Interpolation),
    which: Which,
    picture: &mut Picture,
) {
    let draws = Draws {
        spec,
        size,
        interpolation,
    };
    for (slot, transform) in &TRANSFORMS {
        if (transform.is_active)(spec) {
            (transform.apply)(&draws, &mut which.stream(*slot), picture);
        }
    }
}
