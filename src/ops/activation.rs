//! Functions of single values, with their slopes.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{D, Result, Tensor};

use super::cpu::{check, zip_map};
use super::math::{erf, exp, sigmoid};
use super::read::made;
use super::simd::vectorized;
use super::tape::record;

/// A smooth or bent function, as PyTorch defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `x * sigmoid(x)`
    Silu,
    /// `x * (1 + erf(x / sqrt 2)) / 2`
    Gelu,
    /// `x * relu6(x + 3) / 6`
    HardSwish,
    /// `relu6(x + 3) / 6`
    HardSigmoid,
}

/// The function of every value of `x`, of any shape; NaN stays NaN.
///
/// # Errors
/// A type other than f32, no elements.
pub fn activation(x: &Tensor, function: Function) -> Result<Tensor> {
    check("activation", &[("x", x)])?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::activation(x, function);
    }
    if x.device().is_cpu() {
        on_cpu(&x.contiguous()?, function)
    } else {
        composition(x, function)
    }
}

/// The hyperbolic tangent of every value.
///
/// # Errors
/// What the device reports.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::tanh(x);
    }
    let y = x.tanh()?;
    let kept = y.clone();
    record(&[x], &y, move |dy| {
        let slope = (kept.sqr()?.neg()? + 1.0)?;
        Ok(vec![Some((dy * slope)?)])
    });
    Ok(y)
}

/// The softmax over the last axis.
///
/// # Errors
/// What the device reports.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::softmax(x);
    }
    // Composed of differentiable operations: candle-nn's fused form cuts the gradient.
    let e = x
        .broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?
        .exp()?;
    let y = e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?;
    let kept = y.clone();
    record(&[x], &y, move |dy| {
        let along = (&dy * &kept)?.sum_keepdim(D::Minus1)?;
        Ok(vec![Some((dy.broadcast_sub(&along)? * kept)?)])
    });
    Ok(y)
}

/// As [`activation`], by the operations of candle and candle-nn.
pub(super) fn composition(x: &Tensor, function: Function) -> Result<Tensor> {
    let relu6 = |x: &Tensor| x.relu()?.minimum(6f32);
    match function {
        Function::Relu => {
            // Candle's own gradient at 0 is 1.
            let positive = x.detach().gt(0f32)?;
            positive.where_cond(x, &x.detach().minimum(0f32)?.affine(0.0, 0.0)?)
        }
        Function::Relu6 => relu6(x),
        Function::Sigmoid => candle_nn::ops::sigmoid(x),
        Function::Silu => x * candle_nn::ops::sigmoid(x)?,
        Function::Gelu => (x * 0.5)? * ((x * std::f64::consts::FRAC_1_SQRT_2)?.erf()? + 1.0)?,
        Function::HardSwish => x * composition(x, Function::HardSigmoid)?,
        Function::HardSigmoid => relu6(&(x + 3.0)?)? * (1.0 / 6.0),
    }
}

impl Function {
    pub const ALL: [Self; 7] = [
        Function::Relu,
        Function::Relu6,
        Function::Sigmoid,
        Function::Silu,
        Function::Gelu,
        Function::HardSwish,
        Function::HardSigmoid,
    ];

    /// Replaces values by the function of them, on this thread.
    pub(super) fn apply(self, values: &mut [f32]) {
        macro_rules! each {
            ($($function:ident),+) => {
                match self {
                    $(Function::$function => vectorized(
                        #[inline(always)]
                        || values.iter_mut().for_each(|v| *v = Function::$function.value(*v)),
                    ),)+
                }
            };
        }
        each!(Relu, Relu6, Sigmoid, Silu, Gelu, HardSwish, HardSigmoid);
    }

    #[inline(always)]
    pub(super) fn value(self, x: f32) -> f32 {
        match self {
            Function::Relu => at_least_zero(x),
            Function::Relu6 => relu6(x),
            Function::Sigmoid => sigmoid(x),
            Function::Silu => x * sigmoid(x),
            Function::Gelu => 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
            Function::HardSwish => x * relu6(x + 3.0) / 6.0,
            Function::HardSigmoid => relu6(x + 3.0) / 6.0,
        }
    }

    /// The gradient of `x` from that of the function of it; at a bend the one that PyTorch takes.
    #[inline(always)]
    pub(super) fn gradient(self, dy: f32, x: f32) -> f32 {
        match self {
            Function::Relu if x > 0.0 => dy,
            Function::Relu => 0.0,
            _ => dy * self.slope(x),
        }
    }

    /// The derivative.
    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        let inside = |low: f32, high: f32| if x > low && x < high { 1.0 } else { 0.0 };
        match self {
            Function::Relu => f32::from(u8::from(x > 0.0)),
            Function::Relu6 => inside(0.0, 6.0),
            Function::Sigmoid => {
                let y = sigmoid(x);
                y * (1.0 - y)
            }
            Function::Silu => {
                let y = sigmoid(x);
                y * (1.0 + x * (1.0 - y))
            }
            Function::Gelu => {
                /// 1 / sqrt(2 pi)
                const PEAK: f32 = 0.398_942_3;
                let below = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
                below + x * PEAK * exp(-0.5 * x * x)
            }
            Function::HardSwish if x <= -3.0 => 0.0,
            Function::HardSwish if x < 3.0 => x / 3.0 + 0.5,
            Function::HardSwish => 1.0,
            Function::HardSigmoid => inside(-3.0, 3.0) / 6.0,
        }
    }
}

#[inline(always)]
fn at_least_zero(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn relu6(x: f32) -> f32 {
    let x = at_least_zero(x);
    if x > 6.0 { 6.0 } else { x }
}

/// Calls `zip_map` with the function known where it is compiled, so that each has its own loop.
macro_rules! each {
    ($function:expr, $a:expr, $b:expr, $f:expr) => {
        match $function {
            Function::Relu => zip_map($a, $b, |a, b| $f(Function::Relu, a, b)),
            Function::Relu6 => zip_map($a, $b, |a, b| $f(Function::Relu6, a, b)),
            Function::Sigmoid => zip_map($a, $b, |a, b| $f(Function::Sigmoid, a, b)),
            Function::Silu => zip_map($a, $b, |a, b| $f(Function::Silu, a, b)),
            Function::Gelu => zip_map($a, $b, |a, b| $f(Function::Gelu, a, b)),
            Function::HardSwish => zip_map($a, $b, |a, b| $f(Function::HardSwish, a, b)),
            Function::HardSigmoid => zip_map($a, $b, |a, b| $f(Function::HardSigmoid, a, b)),
        }
    };
}

#[inline(always)]
fn value(function: Function, x: f32, _: f32) -> f32 {
    function.value(x)
}

#[inline(always)]
fn gradient(function: Function, dy: f32, x: f32) -> f32 {
    function.gradient(dy, x)
}

fn on_cpu(x: &Tensor, function: Function) -> Result<Tensor> {
    let y = made([x], x.shape(), |[x]| each!(function, x, x, value))?;
    let kept = x.clone();
    record(&[x], &y, move |dy| {
        let dx = made([&dy, &kept], kept.shape(), |[dy, x]| {
            each!(function, dy, x, gradient)
        });
        Ok(vec![Some(dx?)])
    });
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{
        assert_close, assert_values_close, check_by_differences, flat, gradients, random,
        same_bytes_on_any_threads,
    };
    use candle_core::Device;

    #[test]
    fn the_gradient_of_relu_at_zero_is_zero() {
        let x = Tensor::new(&[-2f32, -0.0, 0.0, 3.0], &Device::Cpu).unwrap();
        for f in [activation, composition] {
            let got = gradients(&[&x], |t| f(&t[0], Function::Relu));
            assert_eq!(flat(&got[0]), [0.0, 0.0, 0.0, 3.0]);
            // `gradients` weighs output i by 1 + i/2.
            assert_eq!(flat(&got[1]), [0.0, 0.0, 0.0, 2.5]);
        }
    }

    #[test]
    fn gradients_go_through_tanh_and_softmax() {
        let x = (random(&[3, 5], 1) * 2.0).unwrap();
        let got = gradients(&[&x], |t| tanh(&t[0]));
        let wanted = gradients(&[&x], |t| t[0].tanh());
        assert_close(&got[1], &wanted[1], 1e-6);
        check_by_differences(
            &[&x],
            |t| softmax(&t[0]),
            |v| {
                let row = |row: &[f64]| {
                    let total: f64 = row.iter().map(|z| z.exp()).sum();
                    row.iter().map(|z| z.exp() / total).collect::<Vec<f64>>()
                };
                v[0].chunks(5).flat_map(row).collect()
            },
        );
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composition() {
        for dims in [vec![1], vec![3, 5, 7], vec![2, 40_001]] {
            let x = (random(&dims, 1) * 9.0).unwrap();
            for function in Function::ALL {
                let got = gradients(&[&x], |t| activation(&t[0], function));
                let wanted = gradients(&[&x], |t| composition(&t[0], function));
                assert_close(&got[0], &wanted[0], 1e-6);
                assert_close(&got[1], &wanted[1], 2e-6);
                same_bytes_on_any_threads(&[&x], |t| activation(&t[0], function));
            }
        }
    }

    /// From PyTorch 2.15 (CPU):
    /// ```python
    /// import torch, torch.nn.functional as F
    /// x = torch.tensor([-7.5, -3.0, -1.25, 0.0, 0.5, 3.0, 6.5], requires_grad=True)
    /// for f in (F.relu, F.relu6, torch.sigmoid, F.silu, F.gelu, F.hardswish, F.hardsigmoid):
    ///     y = f(x); g, = torch.autograd.grad(y.sum(), x); print(y.tolist(), g.tolist())
    /// ```
    #[test]
    fn values_and_slopes_are_those_of_pytorch() {
        let x = [-7.5f32, -3.0, -1.25, 0.0, 0.5, 3.0, 6.5];
        let x = Tensor::new(&x, &Device::Cpu).unwrap();
        for (function, (values, slopes)) in Function::ALL.into_iter().zip(PYTORCH) {
            assert_values_close(&flat(&activation(&x, function).unwrap()), &values, 1e-6);
            let slope = |x: &f32| function.gradient(1.0, *x);
            let found: Vec<f32> = flat(&x).iter().map(slope).collect();
            assert_values_close(&found, &slopes, 1e-6);
        }
    }

    #[rustfmt::skip]
    const PYTORCH: [([f32; 7], [f32; 7]); 7] = [
        ([0.0, 0.0, 0.0, 0.0, 0.5, 3.0, 6.5], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        ([0.0, 0.0, 0.0, 0.0, 0.5, 3.0, 6.0], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]),
        ([0.0005527787, 0.04742587, 0.2227001, 0.5, 0.6224594, 0.9525741, 0.9984988], [0.0005524731, 0.04517666, 0.1731048, 0.25, 0.2350037, 0.04517666, 0.001498949]),
        ([-0.00414584, -0.1422776, -0.2783752, 0.0, 0.3112297, 2.857723, 6.490242], [-0.00359077, -0.08810411, 0.006319149, 0.5, 0.7399612, 1.088104, 1.008242]),
        ([0.0, -0.004049867, -0.1320623, 0.0, 0.3457312, 2.99595, 6.5], [0.0, -0.01194561, -0.1226615, 0.5, 0.8674951, 1.011946, 1.0]),
        ([-0.0, -0.0, -0.3645833, 0.0, 0.2916667, 3.0, 6.5], [0.0, 0.0, 0.08333334, 0.5, 0.6666667, 1.0, 1.0]),
        ([0.0, 0.0, 0.2916667, 0.5, 0.5833333, 1.0, 1.0], [0.0, 0.0, 0.1666667, 0.1666667, 0.1666667, 0.0, 0.0]),
    ];
}
