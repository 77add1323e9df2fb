//! The same values in another shape or type, beside others, or added to them.

use candle_core::{DType, Result, Tensor};

use super::activation::{Function, activation};
use super::cpu::{check_dims, sum_of_two, zip_map};
#[cfg(feature = "cuda")]
use super::cuda;
use super::read::made;
use super::tape::record;

/// `a + b`, of the same shape, and ReLU behind it where asked for, at once where the device can.
///
/// # Errors
/// Shapes that differ.
pub fn add(a: &Tensor, b: &Tensor, with_relu: bool) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if a.device().is_cuda() {
        return cuda::add(a, b, with_relu);
    }
    if !a.device().is_cpu() {
        let sum = (a + b)?;
        return match with_relu {
            true => activation(&sum, Function::Relu),
            false => Ok(sum),
        };
    }
    check_dims("add", ("the second", b), a.dims(), ("the first", a.dims()))?;
    if !with_relu {
        let y = sum_of_two(a, b)?;
        record(&[a, b], &y, |dy| Ok(vec![Some(dy.clone()), Some(dy)]));
        return Ok(y);
    }
    let sum = |a: &[f32], b: &[f32]| zip_map(a, b, |a, b| Function::Relu.value(a + b));
    let y = made([a, b], a.shape(), |[a, b]| sum(a, b))?;
    let kept = y.clone();
    record(&[a, b], &y, move |dy| {
        let before = |dy: &[f32], y: &[f32]| zip_map(dy, y, |dy, y| Function::Relu.gradient(dy, y));
        let dx = made([&dy, &kept], kept.shape(), |[dy, y]| before(dy, y))?;
        Ok(vec![Some(dx.clone()), Some(dx)])
    });
    Ok(y)
}

/// The values of `x` in the shape `dims`.
///
/// # Errors
/// Another number of values.
pub fn reshape(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let (y, before) = (x.reshape(dims)?, x.shape().clone());
    record(&[x], &y, move |dy| Ok(vec![Some(dy.reshape(before)?)]));
    Ok(y)
}

/// The values of `x` as f32, or as bf16 on a GPU.
///
/// # Errors
/// What the device reports.
pub fn to_dtype(x: &Tensor, dtype: DType) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::to_dtype(x, dtype);
    }
    x.to_dtype(dtype)
}

/// `tokens` `[n, t, c]` behind the token `class` `[1, 1, c]`, plus `positions` `[1, t + 1, c]`, to `[n, t + 1, c]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn embed(tokens: &Tensor, class: &Tensor, positions: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if tokens.device().is_cuda() {
        return cuda::embed(tokens, class, positions);
    }
    let (n, t, c) = tokens.dims3()?;
    let first = class.broadcast_as((n, 1, c))?.contiguous()?;
    let y = Tensor::cat(&[&first, tokens], 1)?.broadcast_add(positions)?;
    record(&[tokens, class, positions], &y, move |dy| {
        let of_positions = dy.sum_keepdim(0)?;
        let of_class = of_positions.narrow(1, 0, 1)?.contiguous()?;
        let of_tokens = dy.narrow(1, 1, t)?.contiguous()?;
        Ok(vec![Some(of_tokens), Some(of_class), Some(of_positions)])
    });
    Ok(y)
}

/// The first token of `x` `[n, t, c]`, `[n, c]`.
///
/// # Errors
/// Another number of dimensions.
pub fn first_token(x: &Tensor) -> Result<Tensor> {
    let (n, t, c) = x.dims3()?;
    let y = x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
    record(&[x], &y, move |dy| {
        let rest = Tensor::zeros((n, t - 1, c), dy.dtype(), dy.device())?;
        Ok(vec![Some(Tensor::cat(&[&dy.unsqueeze(1)?, &rest], 1)?)])
    });
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_close, flat, gradients, random, same_bytes_on_any_threads};

    #[test]
    fn sums_and_their_gradients_are_those_of_candle() {
        for dims in [vec![1], vec![3, 5, 7], vec![2, 40_001]] {
            let (a, b) = (random(&dims, 1), random(&dims, 2));
            for with_relu in [false, true] {
                let got = gradients(&[&a, &b], |t| add(&t[0], &t[1], with_relu));
                let wanted = gradients(&[&a, &b], |t| {
                    let sum = (&t[0] + &t[1])?;
                    if with_relu { sum.relu() } else { Ok(sum) }
                });
                for (got, wanted) in got.iter().zip(&wanted) {
                    assert_eq!(flat(got), flat(wanted));
                }
                same_bytes_on_any_threads(&[&a, &b], |t| add(&t[0], &t[1], with_relu));
            }
        }
        let message = add(&random(&[2, 3], 1), &random(&[3], 2), false).unwrap_err();
        assert!(message.to_string().contains("[2, 3]"), "{message}");
    }

    #[test]
    fn tokens_are_put_together_and_taken_apart_with_their_gradients() {
        let inputs = [
            random(&[3, 4, 5], 1),
            random(&[1, 1, 5], 2),
            random(&[1, 5, 5], 3),
        ];
        let got = gradients(&inputs.each_ref(), |t| embed(&t[0], &t[1], &t[2]));
        let wanted = gradients(&inputs.each_ref(), |t| {
            let class = t[1].broadcast_as((3, 1, 5))?;
            Tensor::cat(&[&class, &t[0]], 1)?.broadcast_add(&t[2])
        });
        for (got, wanted) in got.iter().zip(&wanted) {
            assert_close(got, wanted, 1e-6);
        }
        let x = &inputs[0];
        for (ours, candles) in [
            (
                gradients(&[x], |t| first_token(&t[0])),
                gradients(&[x], |t| t[0].narrow(1, 0, 1)?.squeeze(1)),
            ),
            (
                gradients(&[x], |t| reshape(&t[0], &[6, 10])),
                gradients(&[x], |t| t[0].reshape((6, 10))),
            ),
        ] {
            for (ours, candles) in ours.iter().zip(&candles) {
                assert_eq!(flat(ours), flat(candles));
            }
        }
    }
}
