//! Pooling.

use candle_core::{Result, Tensor};
use cudarc::driver::DeviceRepr;

use super::gpu::{Gpu, Grid, Parameter, launch, like};
use crate::ops::pool::Windows;
use crate::ops::tape::record;

/// `Windows` of `kernels/pool.cuh`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Sizes([i32; 9]);

// SAFETY: nine 32-bit integers, as the kernels have them.
unsafe impl DeviceRepr for Sizes {}

impl Parameter for Windows {
    type Value = Sizes;

    fn value(&self) -> Result<Sizes> {
        let config = self.config();
        let sizes = [
            self.n,
            self.h,
            self.w,
            self.c,
            self.ho,
            self.wo,
            config.kernel,
            config.stride,
            config.padding,
        ];
        let mut values = [0; 9];
        for (value, size) in values.iter_mut().zip(sizes) {
            *value = size.value()?;
        }
        // The kernels count the values with 32 bits.
        (self.n * self.h * self.w * self.c).value()?;
        Ok(Sizes(values))
    }
}

/// As [`crate::ops::max_pool2d`].
pub fn max_pool2d(x: &Tensor, windows: Windows) -> Result<Tensor> {
    let kept = x.contiguous()?;
    let y = pooled("max_pool", &kept, windows)?;
    record(&[x], &y, move |dy| {
        let config = windows.config();
        let (side, apart) = (
            config.stride,
            config.kernel == config.stride && config.padding == 0,
        );
        if apart && windows.h == windows.ho * side && windows.w == windows.wo * side {
            let (gpu, dx) = like(&kept)?;
            let grid = Grid::values(dy.elem_count());
            launch!(
                gpu,
                "max_pool_backward_apart",
                Some(dx.dtype()),
                grid,
                &dy,
                &kept,
                &dx,
                windows
            );
            return Ok(vec![Some(dx)]);
        }
        let (gpu, dx) = like(&kept)?;
        let grid = Grid::values(dx.elem_count());
        launch!(
            gpu,
            "max_pool_backward",
            Some(dx.dtype()),
            grid,
            &dy,
            &kept,
            &dx,
            windows
        );
        Ok(vec![Some(dx)])
    });
    Ok(y)
}

/// As [`crate::ops::average_pool2d`].
pub fn average_pool2d(x: &Tensor, windows: Windows) -> Result<Tensor> {
    let y = pooled("average_pool", &x.contiguous()?, windows)?;
    let dims = x.dims().to_vec();
    record(&[x], &y, move |dy| {
        let gpu = Gpu::of(&dy)?;
        let dx = gpu.uninitialized(&dims, dy.dtype())?;
        let grid = Grid::values(dx.elem_count());
        launch!(
            gpu,
            "average_pool_backward",
            Some(dx.dtype()),
            grid,
            &dy,
            &dx,
            windows
        );
        Ok(vec![Some(dx)])
    });
    Ok(y)
}

fn pooled(kernel: &'static str, x: &Tensor, windows: Windows) -> Result<Tensor> {
    let gpu = Gpu::of(x)?;
    let Windows { n, ho, wo, c, .. } = windows;
    let y = gpu.uninitialized(&[n, ho, wo, c], x.dtype())?;
    let grid = Grid::values(y.elem_count());
    launch!(gpu, kernel, Some(x.dtype()), grid, x, &y, windows);
    Ok(y)
}

/// As [`crate::ops::global_average_pool`].
pub fn global_average_pool(x: &Tensor) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    let (gpu, places, dtype) = (Gpu::of(x)?, h * w, x.dtype());
    let y = gpu.uninitialized(&[n, c], dtype)?;
    let grid = Grid::blocks((c.div_ceil(32), n, 1), (32, 8));
    launch!(
        gpu,
        "global_pool",
        Some(dtype),
        grid,
        &x.contiguous()?,
        &y,
        places,
        c
    );
    record(&[x], &y, move |dy| {
        let gpu = Gpu::of(&dy)?;
        let dx = gpu.uninitialized(&[n, h, w, c], dtype)?;
        let grid = Grid::values(dx.elem_count());
        launch!(
            gpu,
            "global_pool_backward",
            Some(dtype),
            grid,
            &dy,
            &dx,
            n,
            places,
            c
        );
        Ok(vec![Some(dx)])
    });
    Ok(y)
}
