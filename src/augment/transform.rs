//! What a transform is, and what it draws from.

use super::picture::Picture;
use crate::pixels::Sides;
use crate::rng::{Purpose, Stream};
use crate::spec::{Augmentation, Interpolation};

/// What the transforms of one image draw from.
pub(super) struct Draws<'a> {
    pub spec: &'a Augmentation,
    /// Of the network's input.
    pub size: Sides,
    /// What lies between pixels where an image is resized.
    pub interpolation: Interpolation,
}

/// A transform of images of bytes.
pub(super) struct Transform {
    /// Whether a spec asks for it.
    pub is_active: fn(&Augmentation) -> bool,
    pub apply: fn(&Draws<'_>, &mut Stream, &mut Picture),
}

/// Which of an image's random values a transform draws; what stands here stays, or specs would give other bytes.
#[derive(Clone, Copy)]
pub(super) enum Slot {
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
    pub(super) fn stream(self, slot: Slot) -> Stream {
        let Which { seed, epoch, index } = self;
        let mut stream = Stream::new(seed, Purpose::Augmentation, epoch, index.into());
        stream.seek(slot as u64 * SLOT);
        stream
    }
}

/// A value in [low, high).
pub(super) fn between(stream: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * f64::from(stream.uniform())
}
