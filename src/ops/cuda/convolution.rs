//! Convolutions by cuDNN, channels last.

use candle_core::{DType, Result, Tensor};

use super::finish::{finish, finish_backward};
use super::gpu::{Gpu, Grid, launch};
use super::plan::plan;
use super::product::{dense, tf32_is_allowed};
use crate::ops::conv2d::Shape;
use crate::ops::tape::{is_wanted, record};

/// As [`crate::ops::conv2d`], of checked tensors.
pub fn conv2d(
    x: &Tensor,
    kernel: &Tensor,
    bias: Option<&Tensor>,
    s: Shape,
    relu: bool,
) -> Result<Tensor> {
    let out = [s.n, s.ho, s.wo, s.cout];
    if s.kh * s.kw == 1 && s.stride == 1 && s.groups == 1 && s.padding == [0, 0] {
        return dense(x, kernel, bias, relu, &out);
    }
    let (gpu, dtype, tf32) = (Gpu::of(x)?, x.dtype(), tf32_is_allowed());
    let padded = Padded::of(s);
    let plan = plan(&gpu, padded.inner, dtype, tf32)?;
    let seen = padded.around(&x.contiguous()?)?;
    let turned = turned(kernel, dtype)?;
    let y = gpu.uninitialized(&out, dtype)?;
    plan.forward(&gpu, &seen, &turned, &y)?;
    finish(&y, bias, relu)?;
    let has_bias = bias.is_some();
    let bias = bias.unwrap_or(kernel);
    let [of_x, of_kernel, of_bias] = [x, kernel, bias].map(is_wanted);
    let y_kept = relu.then(|| y.clone());
    let seen = of_kernel.then_some(seen);
    record(&[x, kernel, bias], &y, move |dy| {
        let (dy, dbias) = finish_backward(dy, y_kept.as_ref(), of_bias && has_bias)?;
        let dkernel = seen.as_ref().map(|seen| {
            let gradient = gpu.uninitialized(&[s.cout, s.kh, s.kw, s.cin / s.groups], dtype)?;
            plan.weights(&gpu, seen, &dy, &gradient)?;
            turned_back(&gradient)
        });
        let dx = of_x.then(|| {
            let inner = padded.inner;
            let dx = gpu.uninitialized(&[inner.n, inner.h, inner.w, inner.cin], dtype)?;
            plan.input(&gpu, &turned, &dy, &dx)?;
            padded.inside(&dx)
        });
        Ok(vec![dx.transpose()?, dkernel.transpose()?, dbias])
    });
    Ok(y)
}

/// The kernel as cuDNN wants it, `[cout, kh, kw, cin]`, in another type.
fn turned(kernel: &Tensor, dtype: DType) -> Result<Tensor> {
    let (kh, kw, cin, cout) = kernel.dims4()?;
    let gpu = Gpu::of(kernel)?;
    let out = gpu.uninitialized(&[cout, kh, kw, cin], dtype)?;
    let grid = squares(cin, cout, kh * kw);
    launch!(
        gpu,
        "kernel_to_cudnn",
        Some(dtype),
        grid,
        &kernel.contiguous()?,
        &out,
        kh * kw,
        cin,
        cout
    );
    Ok(out)
}

/// The way back, f32.
fn turned_back(kernel: &Tensor) -> Result<Tensor> {
    let (cout, kh, kw, cin) = kernel.dims4()?;
    let gpu = Gpu::of(kernel)?;
    let out = gpu.uninitialized(&[kh, kw, cin, cout], DType::F32)?;
    let grid = squares(cin, cout, kh * kw);
    launch!(
        gpu,
        "kernel_from_cudnn",
        Some(kernel.dtype()),
        grid,
        kernel,
        &out,
        kh * kw,
        cin,
        cout
    );
    Ok(out)
}

fn squares(cin: usize, cout: usize, places: usize) -> Grid {
    Grid::blocks((cin.div_ceil(32), cout.div_ceil(32), places), (32, 8))
}

/// A convolution whose input has zeros around it, where cuDNN's padding, as wide on both sides, is not the one wanted.
#[derive(Clone, Copy)]
struct Padded {
    outer: Shape,
    /// What cuDNN computes.
    inner: Shape,
}

impl Padded {
    fn of(s: Shape) -> Self {
        // Pixels of zero that outputs see behind the image.
        let behind = |out: usize, taps: usize, before: usize, size: usize| {
            ((out - 1) * s.stride + taps).saturating_sub(size + before)
        };
        let [top, left] = s.padding;
        let (bottom, right) = (behind(s.ho, s.kh, top, s.h), behind(s.wo, s.kw, left, s.w));
        let inner = match bottom <= top && right <= left {
            true => s,
            false => Shape {
                h: s.h + top + bottom,
                w: s.w + left + right,
                padding: [0, 0],
                ..s
            },
        };
        Padded { outer: s, inner }
    }

    fn around(&self, x: &Tensor) -> Result<Tensor> {
        self.moved(x, false)
    }

    fn inside(&self, x: &Tensor) -> Result<Tensor> {
        self.moved(x, true)
    }

    fn moved(&self, x: &Tensor, back: bool) -> Result<Tensor> {
        let Padded { outer, inner } = self;
        if outer == inner {
            return Ok(x.clone());
        }
        let gpu = Gpu::of(x)?;
        let of = if back { outer } else { inner };
        let y = gpu.uninitialized(&[of.n, of.h, of.w, of.cin], x.dtype())?;
        let [top, left] = outer.padding;
        launch!(
            gpu,
            "pad",
            Some(x.dtype()),
            Grid::values(y.elem_count()),
            x,
            &y,
            outer.n,
            outer.h,
            outer.w,
            outer.cin,
            top,
            left,
            inner.h,
            inner.w,
            back
        );
        Ok(y)
    }
}
