//! Operations one after another as a single node of candle's graph.
//!
//! Between two nodes, candle adds each gradient to a new tensor of zeros, on a pool of busy-waiting threads of its
//! own. Inside a chain, gradients are handed on as they are, and freed as soon as they are used.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::backward::deliver;
use super::conv2d::{Conv2dConfig, conv2d, conv2d_op};
use super::cpu::{tensor_like, with_values};
use super::pool::{MaxPoolOp, Pool2dConfig, max_pool2d};

/// From the gradient of an operation's output to that of its input, where that is wanted; the gradients of
/// weights are delivered.
type Backward = Box<dyn FnOnce(Vec<f32>) -> Result<Option<Vec<f32>>> + Send>;

/// Operations on the CPU whose gradients [`super::backward`] collects.
pub struct Chain {
    x: Tensor,
    /// The latest output, not tracked by candle.
    y: Tensor,
    backward: Vec<Backward>,
    /// A weight that is tracked, for candle to know that the chain is.
    tracked: Option<Tensor>,
}

impl Chain {
    /// A chain that starts with `x`, on the CPU.
    pub fn new(x: &Tensor) -> Self {
        Chain {
            x: x.clone(),
            y: x.detach(),
            backward: Vec::new(),
            tracked: x.track_op().then(|| x.clone()),
        }
    }

    /// As [`super::conv2d`].
    ///
    /// # Errors
    /// The same.
    pub fn conv2d(mut self, kernel: &Tensor, bias: &Tensor, config: &Conv2dConfig) -> Result<Self> {
        let op = conv2d_op(&self.y, kernel, bias, config)?;
        let x = self.y;
        self.y = conv2d(&x, &kernel.detach(), Some(&bias.detach()), config)?;
        let wanted = [self.tracked.is_some(), kernel.track_op(), bias.track_op()];
        if let Some(weight) = [kernel, bias].into_iter().find(|t| t.track_op()) {
            self.tracked.get_or_insert_with(|| weight.clone());
        }
        if self.tracked.is_some() {
            let (y, kernel, bias) = (self.y.clone(), kernel.clone(), bias.clone());
            self.backward.push(Box::new(move |dy| {
                let [dx, dkernel, dbias] = op.gradients([&x, &kernel, &y], dy, wanted)?;
                hand_over(&kernel, dkernel)?;
                hand_over(&bias, dbias)?;
                Ok(dx)
            }));
        }
        Ok(self)
    }

    /// As [`super::max_pool2d`].
    ///
    /// # Errors
    /// The same.
    pub fn max_pool2d(mut self, config: &Pool2dConfig) -> Result<Self> {
        let op = MaxPoolOp::new(self.y.dims(), config)?;
        let x = self.y;
        self.y = max_pool2d(&x, config)?;
        if self.tracked.is_some() {
            let y = self.y.clone();
            self.backward.push(Box::new(move |dy| {
                with_values(&x, |x| {
                    with_values(&y, |y| Ok(Some(op.gradient(x, y, &dy))))
                })
            }));
        }
        Ok(self)
    }

    /// The last output, tracked where `x` or a weight is.
    ///
    /// # Errors
    /// None but candle's own.
    pub fn finish(self) -> Result<Tensor> {
        let Some(tracked) = self.tracked else {
            return Ok(self.y);
        };
        let op = ChainOp {
            y: self.y,
            of_x: self.x.track_op(),
            backward: Mutex::new(self.backward),
        };
        tracked.contiguous()?.apply_op1(op)
    }
}

fn hand_over(weight: &Tensor, gradient: Option<Vec<f32>>) -> Result<()> {
    let Some(gradient) = gradient else {
        return Ok(());
    };
    match deliver(weight, tensor_like(gradient, weight)?) {
        None => Ok(()),
        Some(_) => bail!("a chain's gradients are collected by ops::backward, of variables only"),
    }
}

/// Gives what the chain gave; its argument is only there for candle to track it.
struct ChainOp {
    y: Tensor,
    /// Whether the argument is the chain's input and wants a gradient.
    of_x: bool,
    /// Used up by the backward pass.
    backward: Mutex<Vec<Backward>>,
}

impl CustomOp1 for ChainOp {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = with_values(&self.y, |y| Ok(y.to_vec()))?;
        Ok((CpuStorage::F32(y), self.y.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let mut gradient = Some(with_values(&dy.contiguous()?, |dy| Ok(dy.to_vec()))?);
        let mut steps = self.backward.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(step) = steps.pop() {
            let Some(dy) = gradient.take() else {
                bail!("a chain's gradient ends before its first weight");
            };
            gradient = step(dy)?;
        }
        match gradient {
            Some(dx) if self.of_x => tensor_like(dx, x).map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::backward;
    use crate::ops::testing::{flat, random};
    use candle_core::Var;

    const CONVOLUTION: Conv2dConfig = Conv2dConfig {
        stride: 1,
        padding: crate::ops::Padding::Each(1),
        relu: true,
    };
    const POOLING: Pool2dConfig = Pool2dConfig {
        kernel: 2,
        stride: 2,
        padding: 0,
        ceil_mode: false,
    };

    /// Two convolutions, the first frozen or not, with a pooling between and after them.
    fn gradients(
        x: &Tensor,
        weights: &[Var; 4],
        first_frozen: bool,
        chained: bool,
    ) -> Vec<Vec<f32>> {
        let [k1, b1, k2, b2] = weights.each_ref().map(Var::as_tensor);
        let (k1, b1) = if first_frozen {
            (k1.detach(), b1.detach())
        } else {
            (k1.clone(), b1.clone())
        };
        let y = if chained {
            let chain = Chain::new(x).conv2d(&k1, &b1, &CONVOLUTION).unwrap();
            let chain = chain.max_pool2d(&POOLING).unwrap();
            let chain = chain.conv2d(k2, b2, &CONVOLUTION).unwrap();
            chain.max_pool2d(&POOLING).unwrap().finish().unwrap()
        } else {
            let y = conv2d(x, &k1, Some(&b1), &CONVOLUTION).unwrap();
            let y = max_pool2d(&y, &POOLING).unwrap();
            let y = conv2d(&y, k2, Some(b2), &CONVOLUTION).unwrap();
            max_pool2d(&y, &POOLING).unwrap()
        };
        let grads = backward(&y.sqr().unwrap().sum_all().unwrap()).unwrap();
        let of = |t: &Tensor| grads.get(t).map(flat).unwrap_or_default();
        let mut all: Vec<_> = weights.iter().map(|w| of(w)).collect();
        all.extend([of(x), flat(&y)]);
        all
    }

    #[test]
    fn a_chain_has_the_bytes_of_its_operations_one_by_one() {
        let weights = [
            random(&[3, 3, 3, 32], 1),
            random(&[32], 2),
            random(&[3, 3, 32, 48], 3),
            random(&[48], 4),
        ]
        .map(|t| Var::from_tensor(&t).unwrap());
        let x = Var::from_tensor(&random(&[2, 16, 16, 3], 5)).unwrap();
        for (x, first_frozen) in [
            (x.as_detached_tensor(), false),
            (x.as_detached_tensor(), true),
            (x.as_tensor().clone(), false),
        ] {
            let [chained, single] =
                [true, false].map(|chained| gradients(&x, &weights, first_frozen, chained));
            assert_eq!(chained, single);
            assert_eq!(chained[0].is_empty(), first_frozen);
        }
    }

    #[test]
    fn candles_own_backward_is_refused_rather_than_left_without_gradients() {
        let kernel = Var::from_tensor(&random(&[3, 3, 1, 2], 1)).unwrap();
        let bias = Var::from_tensor(&random(&[2], 2)).unwrap();
        let y = Chain::new(&random(&[1, 4, 4, 1], 3))
            .conv2d(&kernel, &bias, &CONVOLUTION)
            .unwrap()
            .finish()
            .unwrap();
        let error = y.sum_all().unwrap().backward().unwrap_err().to_string();
        assert!(error.contains("ops::backward"), "{error}");
    }
}
