//! The shape of one sample between two nodes.

use std::fmt;

use crate::pixels::Sides;

/// A sample's shape, without the batch axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An image or feature map, `[height, width, channels]`.
    Map {
        height: usize,
        width: usize,
        channels: usize,
    },
    /// The tokens of a transformer, `[count, channels]`.
    Tokens { count: usize, channels: usize },
    /// A vector. `flattened` is the map it was flattened from, in row-major order.
    Vector {
        len: usize,
        flattened: Option<[usize; 3]>,
    },
}

impl Shape {
    /// A square map.
    pub fn square(size: usize, channels: usize) -> Self {
        Shape::Map {
            height: size,
            width: size,
            channels,
        }
    }

    /// A map of these sides.
    pub fn map(sides: Sides, channels: usize) -> Self {
        Shape::Map {
            height: sides.height,
            width: sides.width,
            channels,
        }
    }

    /// A vector that is no flattened map.
    pub fn vector(len: usize) -> Self {
        Shape::Vector {
            len,
            flattened: None,
        }
    }

    /// The length of each axis, the batch axis left out.
    pub fn dims(&self) -> Vec<usize> {
        match *self {
            Shape::Map {
                height,
                width,
                channels,
            } => vec![height, width, channels],
            Shape::Tokens { count, channels } => vec![count, channels],
            Shape::Vector { len, .. } => vec![len],
        }
    }

    /// Values in one sample.
    pub fn elements(&self) -> usize {
        self.dims().iter().product()
    }

    /// [`Shape::elements`], or none where they are more than can be counted.
    pub fn checked_elements(&self) -> Option<usize> {
        let mut dims = self.dims().into_iter();
        dims.try_fold(1, usize::checked_mul)
    }

    /// The size of the last axis.
    pub fn channels(&self) -> usize {
        match *self {
            Shape::Map { channels, .. } | Shape::Tokens { channels, .. } => channels,
            Shape::Vector { len, .. } => len,
        }
    }

    /// How many times the channels are there.
    pub fn places(&self) -> usize {
        self.elements() / self.channels().max(1)
    }

    /// The map that a vector was flattened from.
    pub fn flattened(&self) -> Option<[usize; 3]> {
        match *self {
            Shape::Vector { flattened, .. } => flattened,
            Shape::Map { .. } | Shape::Tokens { .. } => None,
        }
    }
}

/// As Keras prints it: `(None, 32, 32, 3)`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.dims().iter().map(ToString::to_string).collect();
        f.pad(&format!("(None, {})", dims.join(", ")))
    }
}
