//! The images.

use candle_core::{Result, Tensor, bail};

use super::{Kept, Primitive};
use crate::graph::{Context, Shape};

/// Where the images come in; it has the shape it is built with.
#[derive(Clone, Debug, PartialEq)]
pub struct Input;

impl Primitive for Input {
    fn kind(&self) -> &'static str {
        "InputLayer"
    }

    fn output(&self, _: &[Shape]) -> std::result::Result<Shape, String> {
        Err("images come first".into())
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, _: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        bail!("images are given, not computed")
    }
}
