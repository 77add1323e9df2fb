//! Backpropagation that does not add large weight gradients to zeros first.

use std::cell::RefCell;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId};

/// While it lives, [`backward`] can go back through this thread's operations on an NVIDIA GPU from then on; elsewhere it
/// always can.
pub struct Recording {
    #[cfg(feature = "cuda")]
    _tape: super::cuda::Recording,
}

impl Recording {
    /// Starts anew.
    pub fn start() -> Self {
        Recording {
            #[cfg(feature = "cuda")]
            _tape: super::cuda::Recording::start(),
        }
    }
}

thread_local! {
    /// The gradients of variables that the operations of a running [`backward`] have delivered.
    static DELIVERED: RefCell<Option<Vec<(TensorId, Tensor)>>> = const { RefCell::new(None) };
}

/// The gradients of `loss`, as `loss.backward()` gives them, with less copying.
///
/// Candle adds each gradient to a new tensor of zeros. For the kernels of convolutions and dense layers,
/// nearly all of a model's memory, that is left out here. The values are the same; where a weight is used
/// more than once, up to the order of adding.
///
/// # Errors
/// As `Tensor::backward`.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    #[cfg(feature = "cuda")]
    if loss.device().is_cuda() {
        return super::cuda::backward(loss);
    }
    /// Ends the collecting also where an operation panics.
    struct Collecting;
    impl Drop for Collecting {
        fn drop(&mut self) {
            DELIVERED.take();
        }
    }
    let _collecting = Collecting;
    DELIVERED.replace(Some(Vec::new()));
    let mut grads = loss.backward()?;
    for (id, gradient) in DELIVERED.take().unwrap_or_default() {
        let gradient = match grads.get_id(id) {
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        grads.insert_id(id, gradient);
    }
    Ok(grads)
}

/// Hands `gradient` of `tensor` to a running [`backward`]; returns it where candle is to have it.
pub(super) fn deliver(tensor: &Tensor, gradient: Tensor) -> Option<Tensor> {
    DELIVERED.with_borrow_mut(|delivered| match delivered {
        Some(delivered) if tensor.is_variable() => {
            delivered.push((tensor.id(), gradient));
            None
        }
        _ => Some(gradient),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::dense;
    use crate::ops::testing::{flat, random};
    use candle_core::Var;

    #[test]
    fn gradients_are_candles_also_of_a_shared_weight() {
        let x = random(&[3, 5], 1);
        let shared = Var::from_tensor(&random(&[5, 5], 2)).unwrap();
        let last = Var::from_tensor(&random(&[5, 2], 3)).unwrap();
        let bias = Var::from_tensor(&random(&[5], 4)).unwrap();
        let y = dense(&x, &shared, Some(&bias), true).unwrap();
        let y = dense(&y, &shared, Some(&bias), false).unwrap();
        // Used by one of candle's own operations too.
        let y = (y.matmul(&shared).unwrap() * 0.5).unwrap();
        let loss = dense(&y, &last, None, false).unwrap().sum_all().unwrap();
        let (ours, candles) = (backward(&loss).unwrap(), loss.backward().unwrap());
        for var in [&shared, &last, &bias] {
            let (ours, candles) = (
                flat(ours.get(var).unwrap()),
                flat(candles.get(var).unwrap()),
            );
            for (a, b) in ours.iter().zip(&candles) {
                assert!((a - b).abs() <= 1e-6 * b.abs(), "{ours:?} {candles:?}");
            }
        }
        assert!(DELIVERED.take().is_none());
    }
}
