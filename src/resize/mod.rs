//! Images brought to other sizes: bilinearly as TensorFlow does, to the pixels of Pillow, and as `[resize]` says.

mod bilinear;
mod pillow;
mod square;

pub use bilinear::Resizer;
pub use pillow::{Frame, Resampler};
pub use square::{Fit, Resizing, Shaper, shape_to};
