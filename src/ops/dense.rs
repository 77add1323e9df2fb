//! A fully connected layer.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{Result, Tensor};

use super::activation::{self, Function};
use super::conv2d::{ConvolutionOp, checked_dense};
use super::products::Products;

/// `x` `[n, …, inputs]` × `weight` `[inputs, outputs]` + `bias` `[outputs]`, ReLU applied where asked for, to
/// `[n, …, outputs]`.
///
/// A row's bytes do not depend on the other rows. `products` are a CPU's. Gradients are computed only for what is tracked;
/// ReLU's at 0 is 0.
///
/// # Errors
/// Shapes that do not fit, a type other than f32, no elements.
pub fn dense(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    relu: bool,
    products: Products,
) -> Result<Tensor> {
    let (shape, out) = checked_dense(x, weight, bias, products)?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::dense(x, weight, bias, relu, &out);
    }
    if !x.device().is_cpu() {
        let rows = x.reshape((shape.n * shape.h, shape.cin))?;
        return composition(&rows, weight, bias, relu)?.reshape(out);
    }
    ConvolutionOp::product(shape, &out, relu).apply(x, weight, bias)
}

/// As [`dense`], of checked tensors, by candle's own operations.
fn composition(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, relu: bool) -> Result<Tensor> {
    let mut y = x.contiguous()?.matmul(&weight.contiguous()?)?;
    if let Some(bias) = bias {
        y = y.broadcast_add(bias)?;
    }
    match relu {
        true => activation::composition(&y, Function::Relu),
        false => Ok(y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_close, gradients, random, same_bytes_on_any_threads};

    /// Values and gradients from candle's products, which its own tests check.
    #[test]
    fn values_and_gradients_are_those_of_the_plain_composition() {
        for (n, inputs, outputs, relu) in [
            (1, 1, 1, false),
            (1, 7, 3, true),
            (2, 1030, 1, false),
            (33, 600, 130, true),
            (300, 20, 257, false),
        ] {
            let x = random(&[n, inputs], 1);
            let weight = random(&[inputs, outputs], 2);
            let bias = random(&[outputs], 3);
            let got = gradients(&[&x, &weight, &bias], |t| {
                dense(&t[0], &t[1], Some(&t[2]), relu, Products::F32)
            });
            let wanted = gradients(&[&x, &weight, &bias], |t| {
                composition(&t[0], &t[1], Some(&t[2]), relu)
            });
            got.iter()
                .zip(&wanted)
                .for_each(|(got, wanted)| assert_close(got, wanted, 1e-4));
        }
    }

    #[test]
    fn bytes_do_not_depend_on_threads_or_on_other_rows() {
        let x = random(&[70, 900], 1);
        let weight = random(&[900, 131], 2);
        same_bytes_on_any_threads(&[&x, &weight], |t| {
            dense(&t[0], &t[1], None, true, Products::F32)
        });
        let all = dense(&x, &weight, None, true, Products::F32).unwrap();
        for (start, len) in [(0, 1), (69, 1), (3, 2), (5, 64)] {
            let some = dense(
                &x.narrow(0, start, len).unwrap(),
                &weight,
                None,
                true,
                Products::F32,
            )
            .unwrap();
            let wanted = all.narrow(0, start, len).unwrap();
            assert_eq!(
                some.to_vec2::<f32>().unwrap(),
                wanted.to_vec2::<f32>().unwrap()
            );
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let message = dense(
            &random(&[2, 3], 1),
            &random(&[4, 5], 2),
            None,
            false,
            Products::F32,
        )
        .unwrap_err()
        .to_string();
        assert!(
            message.contains("[2, 3]") && message.contains("[4, 5]"),
            "{message}"
        );
    }
}
