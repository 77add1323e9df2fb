//! The rectifier on its own, where no other operation has it fused.

#[cfg(feature = "cuda")]
use super::cuda;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::cpu::{check, tensor_like, values, with_values, zip_map};

/// `max(x, 0)` of any shape; the gradient at 0 is 0 (candle's own gives 1 there). NaN stays NaN.
///
/// # Errors
/// A type other than f32, no elements.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    check("relu", &[("x", x)])?;
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::relu(x);
    }
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(ReluOp)
    } else {
        composition(x)
    }
}

/// As [`relu`], by candle's own operations.
pub(super) fn composition(x: &Tensor) -> Result<Tensor> {
    let positive = x.detach().gt(0f32)?;
    positive.where_cond(x, &x.detach().minimum(0f32)?.affine(0.0, 0.0)?)
}

struct ReluOp;

impl CustomOp1 for ReluOp {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(x, layout)?;
        let y = zip_map(x, x, |x, _| if x < 0.0 { 0.0 } else { x });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dx = with_values(&dy.contiguous()?, |dy| {
            with_values(y, |y| {
                Ok(zip_map(dy, y, |dy, y| if y > 0.0 { dy } else { 0.0 }))
            })
        })?;
        tensor_like(dx, y).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::gradients;
    use candle_core::Device;

    #[test]
    fn the_gradient_at_zero_is_zero() {
        let x = Tensor::new(&[-2f32, -0.0, 0.0, 3.0], &Device::Cpu).unwrap();
        for f in [relu, composition] {
            let got = gradients(&[&x], |t| f(&t[0])?.affine(2.0, 0.0));
            assert_eq!(got[0].to_vec1::<f32>().unwrap(), [0.0, 0.0, 0.0, 6.0]);
            // `gradients` weighs output i by 1 + i/2.
            assert_eq!(got[1].to_vec1::<f32>().unwrap(), [0.0, 0.0, 0.0, 5.0]);
        }
    }
}
