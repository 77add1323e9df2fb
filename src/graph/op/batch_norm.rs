//! Batch normalization over all axes but the last.

use candle_core::{Result, Tensor};

use super::{Primitive, TensorOf, one, one_shape};
use crate::graph::{Context, Role, Shape};
use crate::ops;

/// Normalizes each channel by the batch's mean and variance while it trains, by moving ones otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// How much of the moving statistics is kept each step.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether the moving variance takes the batch's over n - 1, as PyTorch, rather than over n, as Keras.
    pub unbiased: bool,
}

impl BatchNorm {
    /// PyTorch's: `momentum = 0.1` counted the other way round.
    pub const fn pytorch(epsilon: f64) -> Self {
        BatchNorm {
            momentum: 0.9,
            epsilon,
            unbiased: true,
        }
    }
}

impl Primitive for BatchNorm {
    fn kind(&self) -> &'static str {
        "BatchNormalization"
    }

    fn output(&self, inputs: &[Shape]) -> std::result::Result<Shape, String> {
        match one_shape(inputs)? {
            tokens @ Shape::Tokens { .. } => Err(format!(
                "batch normalization needs a feature map or a vector, not the tokens {tokens}; put a flatten or pool layer \
                 before it"
            )),
            other => Ok(other),
        }
    }

    fn tensors(&self, inputs: &[Shape]) -> Vec<TensorOf> {
        let extent = |input: &Shape| {
            input
                .flattened()
                .map_or(vec![input.channels()], |map| map.to_vec())
        };
        let extent = inputs.first().map(extent).unwrap_or_default();
        [
            ("weight", Role::Gamma),
            ("bias", Role::Beta),
            ("running_mean", Role::MovingMean),
            ("running_var", Role::MovingVariance),
        ]
        .map(|(suffix, role)| (suffix, role, extent.clone()))
        .into()
    }

    fn forward(&self, inputs: &[&Tensor], context: &Context<'_>) -> Result<Tensor> {
        self.apply(one(inputs)?, context, None)
    }
}

impl BatchNorm {
    /// The layer, and in the same step the function behind it, where there is one.
    ///
    /// # Errors
    /// As [`ops::batch_norm`].
    pub fn apply(
        &self,
        x: &Tensor,
        context: &Context<'_>,
        then: Option<ops::Function>,
    ) -> Result<Tensor> {
        let (gamma, beta) = (context.tensor("weight")?, context.tensor("bias")?);
        if !context.uses_batch_statistics() {
            let mean = context.tensor("running_mean")?;
            let variance = context.tensor("running_var")?;
            let statistics = [mean, variance];
            return ops::batch_norm_inference_then(
                x,
                [gamma, beta],
                statistics,
                self.epsilon,
                then,
            );
        }
        let ops::BatchNorm { y, mean, variance } =
            ops::batch_norm_then(x, gamma, beta, self.epsilon, then)?;
        let n = (x.elem_count() / mean.elem_count()) as f64;
        let scale = match self.unbiased {
            true => n / (n - 1.0).max(1.0),
            false => 1.0,
        };
        context.update_moving("running_mean", &mean, self.momentum, 1.0)?;
        context.update_moving("running_var", &variance, self.momentum, scale)?;
        Ok(y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_refused_before_anything_is_computed() {
        let tokens = Shape::Tokens {
            count: 5,
            channels: 192,
        };
        let norm = BatchNorm::pytorch(1e-5);
        assert!(
            norm.output(&[tokens])
                .is_err_and(|why| why.contains("flatten"))
        );
        assert_eq!(norm.output(&[Shape::vector(7)]), Ok(Shape::vector(7)));
    }
}
