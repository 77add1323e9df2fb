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
mod trivial;

pub use erase::erase;
pub use mix::Mix;
pub use picture::Picture;

use crate::rng::{Purpose, Stream};
use crate::spec::{Augmentation, Interpolation};

/// What the transforms of one image draw from.
struct Draws<'a> {
    spec: &'a Augmentation,
    /// Side of the network's input, in pixels.
    size: usize,
    /// What lies between pixels where an image is resized.
    interpolation: Interpolation,
}

/// A transform of images of bytes.
struct Transform {
    /// Whether a spec asks for it.
    is_active: fn(&Augmentation) -> bool,
    apply: fn(&Draws<'_>, &mut Stream, &mut Picture),
}

/// Every transform, in the order in which they are applied.
const TRANSFORMS: [(Slot, Transform); 6] = [
    (Slot::Crop, crop::TRANSFORM),
    (Slot::Shift, shift::TRANSFORM),
    (Slot::VerticalFlip, shift::VERTICAL),
    (Slot::Rotation, affine::TRANSFORM),
    (Slot::Trivial, trivial::TRANSFORM),
    (Slot::ColorJitter, color_jitter::TRANSFORM),
];

/// Which of an image's random values a transform draws; what stands here stays, or specs would give other bytes.
#[derive(Clone, Copy)]
enum Slot {
    Shift = 0,
    Crop = 1,
    VerticalFlip = 2,
    Rotation = 3,
    ColorJitter = 4,
    Trivial = 5,
    Erase = 6,
}

/// Random values between two slots; none draws as many.
const SLOT: u64 = 256;

/// Which image it is that is changed.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    pub seed: u64,
    /// From 1.
    pub epoch: u64,
    /// Its place in the training part.
    pub index: u32,
}

impl Which {
    fn stream(self, slot: Slot) -> Stream {
        let Which { seed, epoch, index } = self;
        let mut stream = Stream::new(seed, Purpose::Augmentation, epoch, index.into());
        stream.seek(slot as u64 * SLOT);
        stream
    }
}

/// Changes a training image as it is in this epoch. A random resized crop makes it a square of `size` pixels, resampled
/// with `interpolation`; else it keeps its size.
pub fn augment(
    spec: &Augmentation,
    (size, interpolation): (usize, Interpolation),
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

/// A value in [low, high).
fn between(stream: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * f64::from(stream.uniform())
}
