//! Convolutions and products with what follows them, where nothing wants gradients.

use candle_core::{Result, Tensor};

use super::config::Conv2dConfig;
use super::finish::Finish;
use super::shape::Shape;
use super::way::{checked, checked_dense, convolve};
use crate::ops::activation::Function;
use crate::ops::cpu::{check, check_dims};
use crate::ops::products::Products;
use crate::ops::read::{Read, made};

/// What follows a convolution or a product: `function((y + bias) * scale + shift + add)`, of which any may be missing.
#[derive(Clone, Debug, Default)]
pub struct Epilogue {
    /// `[c]`
    pub bias: Option<Tensor>,
    /// `[c]`
    pub scale: Option<Tensor>,
    /// `[c]`
    pub shift: Option<Tensor>,
    /// Of the result's shape.
    pub add: Option<Tensor>,
    pub function: Option<Function>,
}

/// As [`super::conv2d`] with the operations of the epilogue one after another, to the same bits, in one pass over the result.
/// On the CPU; the result is not tracked.
///
/// # Errors
/// As [`super::conv2d`]; parts of the epilogue of other shapes.
pub fn conv2d_finished(
    x: &Tensor,
    kernel: &Tensor,
    config: &Conv2dConfig,
    epilogue: &Epilogue,
) -> Result<Tensor> {
    let shape = checked(x, kernel, None, config)?;
    finished(
        &shape,
        x,
        kernel,
        epilogue,
        &[shape.n, shape.ho, shape.wo, shape.cout],
    )
}

/// As [`crate::ops::dense`]; otherwise as [`conv2d_finished`].
///
/// # Errors
/// Shapes that do not fit.
pub fn dense_finished(
    x: &Tensor,
    weight: &Tensor,
    epilogue: &Epilogue,
    products: Products,
) -> Result<Tensor> {
    let (shape, out) = checked_dense(x, weight, None, products)?;
    finished(&shape, x, weight, epilogue, &out)
}

fn finished(
    s: &Shape,
    x: &Tensor,
    kernel: &Tensor,
    epilogue: &Epilogue,
    out: &[usize],
) -> Result<Tensor> {
    let parts = Parts::new(epilogue, out)?;
    parts.with(|finish| {
        made([x, kernel], out, |[x, kernel]| {
            convolve(s, x, kernel, finish)
        })
    })?
}

/// The parts of an epilogue, contiguous.
pub(super) struct Parts {
    tensors: [Option<Tensor>; 4],
    function: Option<Function>,
}

impl Parts {
    /// Of what follows a result of the shape `out`, whose last are channels.
    pub fn new(epilogue: &Epilogue, out: &[usize]) -> Result<Self> {
        let own = |part: &Option<Tensor>, name: &str, wanted: &[usize]| match part {
            Some(tensor) => {
                check("an epilogue", &[(name, tensor)])?;
                check_dims("an epilogue", (name, tensor), wanted, ("a result", out))?;
                tensor.contiguous().map(Some)
            }
            None => Ok(None),
        };
        let channels = &out[out.len().saturating_sub(1)..];
        Ok(Parts {
            tensors: [
                own(&epilogue.bias, "the bias", channels)?,
                own(&epilogue.scale, "the scale", channels)?,
                own(&epilogue.shift, "the shift", channels)?,
                own(&epilogue.add, "what is added", out)?,
            ],
            function: epilogue.function,
        })
    }

    /// Runs `f` on their values.
    pub fn with<T>(&self, f: impl FnOnce(Finish<'_>) -> T) -> Result<T> {
        let reads = self.tensors.each_ref().map(|t| t.as_ref().map(Read::of));
        let [bias, scale, shift, add] = reads.each_ref().map(|read| some(read.as_ref()));
        Ok(f(Finish {
            bias: bias?,
            scale: scale?,
            shift: shift?,
            add: add?,
            function: self.function,
            columns: None,
        }))
    }
}

fn some<'a>(read: Option<&'a Read<'_>>) -> Result<Option<&'a [f32]>> {
    read.map(Read::values).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::conv2d::{Padding, conv2d};
    use crate::ops::testing::{flat, random};
    use crate::ops::{activation, scale as scaled};

    #[test]
    fn what_follows_has_the_bytes_of_its_operations_one_by_one() {
        for (x, kernel, stride) in [
            ([2, 9, 8, 5], [3, 3, 5, 21], 1),
            ([2, 9, 8, 5], [3, 3, 5, 64], 1),
            ([2, 9, 8, 24], [3, 3, 1, 24], 1),
            ([2, 9, 9, 40], [5, 5, 1, 40], 2),
            ([1, 9, 9, 700], [1, 1, 700, 40], 2),
            ([2, 16, 16, 32], [3, 3, 32, 48], 1),
            ([2, 7, 6, 19], [3, 3, 1, 19], 1),
            ([1, 6, 6, 3], [5, 5, 1, 3], 2),
            ([2, 6, 7, 12], [3, 3, 4, 27], 1),
            ([3, 2, 2, 8], [3, 3, 8, 8], 1),
        ] {
            let config = Conv2dConfig {
                stride,
                padding: Padding::Each(kernel[0] / 2),
                relu: false,
                ..Conv2dConfig::default()
            };
            let bias = random(&kernel[3..], 3);
            let (x, kernel) = (random(&x, 1), random(&kernel, 2));
            let convolved = conv2d(&x, &kernel, Some(&bias), &config).unwrap();
            let c = bias.dims();
            let [scale, shift] = [random(c, 5), random(c, 6)];
            let add = random(convolved.dims(), 7);
            let y = scaled(&convolved, &scale).unwrap();
            let y = (y.broadcast_add(&shift).unwrap() + &add).unwrap();
            let mut epilogue = Epilogue {
                bias: Some(bias),
                scale: Some(scale),
                shift: Some(shift),
                add: Some(add),
                ..Epilogue::default()
            };
            let finished = |epilogue: &Epilogue| {
                let y = conv2d_finished(&x, &kernel, &config, epilogue);
                flat(&y.unwrap())
            };
            for function in [
                Function::Relu,
                Function::Silu,
                Function::Gelu,
                Function::Relu6,
            ] {
                epilogue.function = Some(function);
                let wanted = flat(&activation(&y, function).unwrap());
                assert_eq!(finished(&epilogue), wanted, "{function:?}");
            }
        }
    }
}
