//! The shape of one sample between two layers.

use std::fmt;

/// A sample's shape, without the batch axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An image or feature map, `[height, width, channels]`.
    Map {
        height: usize,
        width: usize,
        channels: usize,
    },
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

    /// A vector that is no flattened map.
    pub fn vector(len: usize) -> Self {
        Shape::Vector {
            len,
            flattened: None,
        }
    }

    /// Values in one sample.
    pub fn elements(&self) -> usize {
        match *self {
            Shape::Map {
                height,
                width,
                channels,
            } => height * width * channels,
            Shape::Vector { len, .. } => len,
        }
    }

    /// The size of the last axis.
    pub fn channels(&self) -> usize {
        match *self {
            Shape::Map { channels, .. } => channels,
            Shape::Vector { len, .. } => len,
        }
    }
}

/// As Keras prints it: `(None, 32, 32, 3)`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self {
            Shape::Map {
                height,
                width,
                channels,
            } => format!("(None, {height}, {width}, {channels})"),
            Shape::Vector { len, .. } => format!("(None, {len})"),
        })
    }
}
