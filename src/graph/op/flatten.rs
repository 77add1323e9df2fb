//! From a map to a vector.

use candle_core::{Result, Tensor};

use super::{Primitive, one, one_shape};
use crate::graph::{Context, Shape};
use crate::ops;

/// All values of a sample in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Flatten;

impl Primitive for Flatten {
    fn kind(&self) -> &'static str {
        "Flatten"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        Ok(match one_shape(inputs)? {
            map @ Shape::Map {
                height,
                width,
                channels,
            } => Shape::Vector {
                len: map.elements(),
                flattened: Some([height, width, channels]),
            },
            vector @ Shape::Vector { .. } => vector,
            tokens @ Shape::Tokens { .. } => Shape::vector(tokens.elements()),
        })
    }

    fn is_view(&self) -> bool {
        true
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        let x = one(inputs)?;
        let n = x.dim(0)?;
        ops::reshape(x, &[n, x.elem_count() / n.max(1)])
    }
}
