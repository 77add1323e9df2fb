//! Dropout, whose masks are the CPU's.

use candle_core::{Result, Tensor};
use cudarc::driver::DeviceRepr;

use super::capture::Varying;
use super::gpu::{Grid, Parameter, launch, like};
use crate::ops::tape::record;
use crate::rng::Stream;

/// `Stream` of `kernels/common.cuh`.
#[repr(C)]
pub struct Words([u32; 10]);

// SAFETY: ten 32-bit integers, as the kernels have them.
unsafe impl DeviceRepr for Words {}

impl Parameter for Stream {
    type Value = Words;

    fn value(&self) -> Result<Words> {
        Ok(Words(self.words()))
    }
}

/// As [`crate::ops::dropout`], of a rate in [0, 1).
pub fn dropout(x: &Tensor, rate: f64, stream: &Stream) -> Result<Tensor> {
    by_stream("dropout", x, None, rate, stream)
}

/// As [`crate::ops::drop_path`], of a rate in [0, 1).
pub fn drop_path(x: &Tensor, rate: f64, stream: &Stream) -> Result<Tensor> {
    let span = x.elem_count() / x.dim(0)?;
    by_stream("drop_path", x, Some(span), rate, stream)
}

fn by_stream(
    kernel: &'static str,
    x: &Tensor,
    span: Option<usize>,
    rate: f64,
    stream: &Stream,
) -> Result<Tensor> {
    let (scale, rate) = ((1.0 / (1.0 - rate)) as f32, rate as f32);
    let stream = stream.clone();
    let masked = move |x: &Tensor| {
        let (gpu, y) = like(x)?;
        let (n, dtype) = (x.elem_count(), Some(x.dtype()));
        match span {
            None => {
                let grid = Grid::values(n / 16);
                launch!(
                    gpu, kernel, dtype, grid, x, &y, n, rate, scale, stream, Varying
                );
            }
            Some(span) => {
                let grid = Grid::values(n / 4);
                launch!(
                    gpu, kernel, dtype, grid, x, &y, n, span, rate, scale, stream, Varying
                );
            }
        }
        Ok::<_, candle_core::Error>(y)
    };
    let y = masked(&x.contiguous()?)?;
    record(&[x], &y, move |dy| Ok(vec![Some(masked(&dy)?)]));
    Ok(y)
}
