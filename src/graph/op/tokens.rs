//! From a map to a transformer's tokens, and from them to one.

use candle_core::{Result, Tensor};

use super::{Kept, Primitive, TensorOf, one, one_map, one_shape};
use crate::graph::{Context, Role, Shape};
use crate::ops;

/// The positions of a map as tokens, row by row, behind a class token; to each its position's embedding is added.
///
/// Its tensors are `cls_token` and `pos_embed`, without a module's name before them.
#[derive(Clone, Debug, PartialEq)]
pub struct Embed;

/// The first token: the class token.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassToken;

impl Primitive for Embed {
    fn kind(&self) -> &'static str {
        "PositionEmbedding"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        let [height, width, channels] = one_map(self.kind(), inputs)?;
        let side = (height * width).isqrt();
        if height != width && side * side == height * width {
            // Embeddings have no shape but their number: those of a square would be taken for these.
            return Err(format!(
                "{height}×{width} patches are as many as a square of {side}×{side}, which their embeddings cannot be told \
                 from; choose another backbone.input_size"
            ));
        }
        Ok(Shape::Tokens {
            count: height * width + 1,
            channels,
        })
    }

    fn tensors(&self, inputs: &[Shape]) -> Vec<TensorOf> {
        let map = inputs.first().copied().unwrap_or(Shape::square(0, 0));
        let grid = match map {
            Shape::Map { height, width, .. } => (height, width),
            Shape::Vector { .. } | Shape::Tokens { .. } => (0, 0),
        };
        let embedding = |count| vec![1, count, map.channels()];
        vec![
            ("/cls_token", Role::Token, embedding(1)),
            (
                "/pos_embed",
                Role::Positions { prefix: 1, grid },
                embedding(map.places() + 1),
            ),
        ]
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        let (n, h, w, c) = one(inputs)?.dims4()?;
        let tokens = ops::reshape(one(inputs)?, &[n, h * w, c])?;
        let (class, positions) = (context.tensor("/cls_token")?, context.tensor("/pos_embed")?);
        ops::embed(&tokens, class, positions)
    }
}

impl Primitive for ClassToken {
    fn kind(&self) -> &'static str {
        "ClassToken"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        match one_shape(inputs)? {
            Shape::Tokens { channels, .. } => Ok(Shape::vector(channels)),
            other => Err(format!("it takes tokens, not {other}")),
        }
    }

    fn keeps(&self) -> Kept {
        Kept::NOTHING
    }

    fn forward(&self, inputs: &[&Tensor], _: &Context<'_>) -> Result<Tensor> {
        ops::first_token(one(inputs)?)
    }
}
