//! Sums over the rows of `[rows, channels]`, in an order that depends on the sizes alone.

use candle_core::{DType, Result, Tensor};

use super::gpu::{Gpu, Grid, launch};

/// Channels of a block.
const WIDTH: usize = 32;
/// Rows that are worth a part of their own.
const MIN_ROWS: usize = 64;
/// Blocks that fill a GPU.
const BLOCKS: usize = 1024;

/// The rows in parts, and the grid for as many of each of `images`.
pub struct Parts {
    pub rows: usize,
    pub channels: usize,
    pub parts: usize,
    pub grid: Grid,
}

impl Parts {
    /// Of as many rows of each of `images`.
    pub fn new(rows: usize, channels: usize, images: usize) -> Self {
        let blocks = channels.div_ceil(WIDTH);
        let parts = (BLOCKS / (blocks * images)).clamp(1, rows.div_ceil(MIN_ROWS));
        Parts {
            rows,
            channels,
            parts,
            grid: Grid::blocks((blocks, parts, images), (WIDTH, 8)),
        }
    }

    /// Of all rows of a tensor.
    pub fn of(x: &Tensor) -> Self {
        let channels = x.dims().last().copied().unwrap_or(1);
        Self::new(x.elem_count() / channels.max(1), channels, 1)
    }

    /// Room for `kinds` sums of each part.
    pub fn partial(&self, gpu: &Gpu, kinds: usize) -> Result<Tensor> {
        gpu.uninitialized(&[kinds, self.parts, self.channels], DType::F32)
    }

    /// The grid that adds the parts.
    pub fn totals_grid(&self) -> Grid {
        Grid::blocks((self.channels.div_ceil(WIDTH), 1, 1), (WIDTH, 32))
    }

    /// The totals of `kinds` sums, `[kinds, channels]`.
    pub fn totals(&self, gpu: &Gpu, partial: &Tensor, kinds: usize) -> Result<Tensor> {
        if self.parts == 1 {
            return partial.reshape((kinds, self.channels));
        }
        let out = gpu.uninitialized(&[kinds, self.channels], DType::F32)?;
        let grid = self.totals_grid();
        launch!(
            gpu,
            "column_totals",
            None,
            grid,
            partial,
            self.parts,
            self.channels,
            kinds,
            &out
        );
        Ok(out)
    }
}

/// The sum of each channel (the last axis) of a contiguous tensor, f32 `[channels]`.
pub fn sums(x: &Tensor) -> Result<Tensor> {
    let (gpu, of) = (Gpu::of(x)?, Parts::of(x));
    let partial = of.partial(&gpu, 1)?;
    let dtype = Some(x.dtype());
    launch!(
        gpu,
        "column_sum",
        dtype,
        of.grid,
        x,
        of.rows,
        of.channels,
        of.parts,
        &partial
    );
    of.totals(&gpu, &partial, 1)?.flatten_all()
}

/// The sum of x × y over the rows of each of `images` parts of the rows, f32 `[images * channels]`.
pub fn products(x: &Tensor, y: &Tensor, images: usize) -> Result<Tensor> {
    let gpu = Gpu::of(x)?;
    let channels = x.dims().last().copied().unwrap_or(1);
    let mut of = Parts::new(x.elem_count() / channels / images, channels, images);
    if images > 1 {
        of.parts = 1;
        of.grid = Grid::blocks((channels.div_ceil(WIDTH), 1, images), (WIDTH, 8));
    }
    let partial = gpu.uninitialized(&[images, of.parts, channels], DType::F32)?;
    let dtype = Some(x.dtype());
    launch!(
        gpu,
        "column_product",
        dtype,
        of.grid,
        x,
        y,
        of.rows,
        channels,
        of.parts,
        &partial
    );
    if images > 1 {
        return partial.flatten_all();
    }
    of.totals(&gpu, &partial, 1)?.flatten_all()
}
