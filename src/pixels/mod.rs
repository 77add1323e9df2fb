//! How an image becomes what a network takes: words that specs use, and the catalog of published weights; with their
//! options, defaults and ranges.

mod normalization;
mod resize;
mod sides;

pub use normalization::{MEAN, NormalizationScheme, STD};
pub use resize::{CROP, INTERPOLATION, Interpolation, ResizeMethod};
pub use sides::Sides;
