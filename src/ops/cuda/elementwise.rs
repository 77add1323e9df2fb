//! Value by value.

use candle_core::{DType, Result, Tensor};

use super::columns;
use super::gpu::{Gpu, Grid, launch, like};
use super::sum::added;
use crate::ops::activation::Function;
use crate::ops::tape::{is_wanted, record};

/// The kernels' number of ReLU.
pub const RELU: usize = 0;

/// The kernels' number of a function.
fn number(function: Function) -> usize {
    match function {
        Function::Relu => RELU,
        Function::Relu6 => 1,
        Function::Sigmoid => 2,
        Function::Silu => 3,
        Function::Gelu => 4,
        Function::HardSwish => 5,
        Function::HardSigmoid => 6,
    }
}

/// From the result alone.
fn relu(x: &Tensor) -> Result<Tensor> {
    let y = apply(&x.contiguous()?, RELU)?;
    let kept = y.clone();
    record(&[x], &y, move |dy| {
        Ok(vec![Some(relu_backward(&dy, &kept)?)])
    });
    Ok(y)
}

/// As [`crate::ops::activation`].
pub fn activation(x: &Tensor, function: Function) -> Result<Tensor> {
    if function == Function::Relu {
        return relu(x);
    }
    let function = number(function);
    let kept = x.contiguous()?;
    let y = apply(&kept, function)?;
    record(&[x], &y, move |dy| {
        let (gpu, dx) = like(&kept)?;
        let n = dx.elem_count();
        let (grid, dtype) = (Grid::values(n / 8), Some(dx.dtype()));
        launch!(
            gpu,
            "activation_backward",
            dtype,
            grid,
            &dy,
            &kept,
            &dx,
            n,
            function
        );
        Ok(vec![Some(dx)])
    });
    Ok(y)
}

fn apply(x: &Tensor, function: usize) -> Result<Tensor> {
    let (gpu, y) = like(x)?;
    let n = y.elem_count();
    let grid = Grid::values(n / 8);
    launch!(gpu, "activation", Some(y.dtype()), grid, x, &y, n, function);
    Ok(y)
}

/// The gradient before a ReLU that gave `y`.
pub fn relu_backward(dy: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (gpu, dx) = like(y)?;
    let n = dx.elem_count();
    let grid = Grid::values(n / 8);
    launch!(gpu, "relu_backward", Some(y.dtype()), grid, dy, y, &dx, n);
    Ok(dx)
}

/// `a + b`, of the same shape, and ReLU where asked for.
pub fn add(a: &Tensor, b: &Tensor, relu: bool) -> Result<Tensor> {
    let y = added(&a.contiguous()?, &b.contiguous()?, relu)?;
    let kept = relu.then(|| y.clone());
    record(&[a, b], &y, move |dy| {
        let dy = match &kept {
            Some(y) => relu_backward(&dy, y)?,
            None => dy,
        };
        Ok(vec![Some(dy.clone()), Some(dy)])
    });
    Ok(y)
}

/// As [`crate::ops::scale`]; the factors are f32 and of the channels, or of the type of `x` and an image's own.
pub fn scale(x: &Tensor, factors: &Tensor) -> Result<Tensor> {
    let (x_kept, f_kept) = (x.contiguous()?, factors.contiguous()?);
    let y = scaled(&x_kept, &f_kept)?;
    let wanted = [x, factors].map(is_wanted);
    record(&[x, factors], &y, move |dy| {
        let dx = wanted[0].then(|| scaled(&dy, &f_kept)).transpose()?;
        let df = wanted[1].then(|| {
            let c = x_kept.dims().last().copied().unwrap_or(1);
            let images = f_kept.elem_count() / c;
            let sums = columns::products(&x_kept, &dy, images)?;
            cast(&sums.reshape(f_kept.shape())?, f_kept.dtype())
        });
        Ok(vec![dx, df.transpose()?])
    });
    Ok(y)
}

fn scaled(x: &Tensor, factors: &Tensor) -> Result<Tensor> {
    let (gpu, y) = like(x)?;
    let (n, c) = (x.elem_count(), x.dims().last().copied().unwrap_or(1));
    let rows = n / factors.elem_count();
    let kernel = if factors.dtype() == DType::F32 {
        "scale"
    } else {
        "gate"
    };
    launch!(
        gpu,
        kernel,
        Some(x.dtype()),
        Grid::values(n / 8),
        x,
        factors,
        &y,
        n,
        c,
        rows
    );
    Ok(y)
}

/// The values in another type, recorded.
pub fn to_dtype(x: &Tensor, dtype: DType) -> Result<Tensor> {
    let y = cast(&x.contiguous()?, dtype)?;
    if x.dtype() != dtype {
        let back = x.dtype();
        record(&[x], &y, move |dy| Ok(vec![Some(cast(&dy, back)?)]));
    }
    Ok(y)
}

/// The values of a contiguous tensor in another type, f32 or bf16.
pub fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if x.dtype() == dtype {
        return Ok(x.clone());
    }
    let gpu = Gpu::of(x)?;
    let y = gpu.uninitialized(x.dims(), dtype)?;
    let n = y.elem_count();
    let (kernel, other) = match dtype {
        DType::F32 => ("to_f32", x.dtype()),
        _ => ("from_f32", dtype),
    };
    launch!(gpu, kernel, Some(other), Grid::values(n / 8), x, &y, n);
    Ok(y)
}

/// As [`crate::ops::tanh`].
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    let y = x.tanh()?;
    let kept = y.clone();
    record(&[x], &y, move |dy| {
        let slope = kept.sqr()?.affine(-1.0, 1.0)?;
        Ok(vec![Some((dy * slope)?)])
    });
    Ok(y)
}

/// As [`crate::ops::softmax`].
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    let columns = x.dims().last().copied().unwrap_or(1);
    let rows = x.elem_count() / columns;
    let y = x.contiguous()?.copy()?;
    let (gpu, dtype, grid) = (Gpu::of(x)?, Some(x.dtype()), Grid::rows(rows));
    launch!(gpu, "softmax", dtype, grid, &y, rows, columns, 1.0f32);
    let kept = y.clone();
    record(&[x], &y, move |dy| {
        let dx = dy.copy()?;
        let gpu = Gpu::of(&dx)?;
        launch!(
            gpu,
            "softmax_backward",
            dtype,
            grid,
            &dx,
            &kept,
            rows,
            columns,
            1.0f32
        );
        Ok(vec![Some(dx)])
    });
    Ok(y)
}
