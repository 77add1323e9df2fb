//! How a convolution moves over its input.

use crate::ops::products::Products;

/// Pixels of zero around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// This many on each of the four sides.
    Each(usize),
    /// TensorFlow's `same`: as many as are needed for one output per stride, the odd one at the end.
    Same,
}

impl Padding {
    /// Pixels before an axis of `size` pixels, and the outputs along it; none where the kernel is larger than all.
    pub fn along(self, size: usize, kernel: usize, stride: usize) -> Option<(usize, usize)> {
        match self {
            Padding::Each(padding) => {
                let free = size.checked_add(2 * padding)?.checked_sub(kernel)?;
                Some((padding, free / stride + 1))
            }
            Padding::Same => {
                let outputs = size.div_ceil(stride);
                let seen = outputs.checked_sub(1)? * stride + kernel;
                Some((seen.saturating_sub(size) / 2, outputs))
            }
        }
    }
}

/// How a convolution's kernel moves, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Pixels between two output positions, both ways; at least 1.
    pub stride: usize,
    pub padding: Padding,
    /// Whether ReLU follows.
    pub relu: bool,
    /// On a CPU.
    pub products: Products,
}

impl Default for Conv2dConfig {
    fn default() -> Self {
        Conv2dConfig {
            stride: 1,
            padding: Padding::Each(0),
            relu: false,
            products: Products::F32,
        }
    }
}
