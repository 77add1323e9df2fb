//! Drop path (stochastic depth).

use candle_core::{Result, Tensor};

use super::{Kept, Primitive, one, one_shape};
use crate::graph::{Context, Shape};
use crate::ops;
use crate::rng::Purpose;

/// Sets whole samples to 0 while training and scales the others up; stands before a residual addition.
#[derive(Clone, Debug, PartialEq)]
pub struct DropPath {
    /// The part of the samples, in [0, 1).
    pub rate: f64,
}

impl Primitive for DropPath {
    fn kind(&self) -> &'static str {
        "DropPath"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        one_shape(inputs)
    }

    fn is_random(&self) -> bool {
        self.rate > 0.0
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        let x = one(inputs)?;
        match context.random(Purpose::DropPath) {
            Some(stream) => ops::drop_path(x, self.rate, &stream),
            None => Ok(x.clone()),
        }
    }
}
