//! Attention by cuBLAS's products and a softmax between them.

use candle_core::{DType, Result, Tensor};

use super::gpu::{Gpu, Grid, launch, like};
use super::product::{Factor, product, tf32_is_allowed};
use crate::ops::tape::record;

/// Sizes of queries, keys and values.
#[derive(Clone, Copy)]
struct Sizes {
    n: usize,
    tokens: usize,
    heads: usize,
    /// Channels of a head.
    size: usize,
    dtype: DType,
    tf32: bool,
}

/// As [`crate::ops::attention`], of a checked tensor.
pub fn attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, tokens, width) = qkv.dims3()?;
    let size = width / 3 / heads;
    let (dtype, tf32) = (qkv.dtype(), tf32_is_allowed());
    let s = Sizes {
        n,
        tokens,
        heads,
        size,
        dtype,
        tf32,
    };
    let apart = s.turned(&qkv.contiguous()?, 3, false)?;
    let [q, k, v] = [apart.get(0)?, apart.get(1)?, apart.get(2)?];
    let weights = s.product(
        Factor::plain(&q),
        Factor::transposed(&k),
        [tokens, size, tokens],
    )?;
    let gpu = Gpu::of(qkv)?;
    let rows = n * heads * tokens;
    launch!(
        gpu,
        "softmax",
        Some(dtype),
        Grid::rows(rows),
        &weights,
        rows,
        tokens,
        s.scale()
    );
    let y = s.product(
        Factor::plain(&weights),
        Factor::plain(&v),
        [tokens, tokens, size],
    )?;
    let y = s.turned(&y, 1, true)?.reshape((n, tokens, width / 3))?;
    record(&[qkv], &y, move |dy| {
        let dy = s.turned(&dy, 1, false)?;
        let dv = s.product(
            Factor::transposed(&weights),
            Factor::plain(&dy),
            [tokens, tokens, size],
        )?;
        let scores = s.product(
            Factor::plain(&dy),
            Factor::transposed(&v),
            [tokens, size, tokens],
        )?;
        let gpu = Gpu::of(&scores)?;
        let grid = Grid::rows(rows);
        launch!(
            gpu,
            "softmax_backward",
            Some(dtype),
            grid,
            &scores,
            &weights,
            rows,
            tokens,
            s.scale()
        );
        let dq = s.product(
            Factor::plain(&scores),
            Factor::plain(&k),
            [tokens, tokens, size],
        )?;
        let dk = s.product(
            Factor::transposed(&scores),
            Factor::plain(&q),
            [tokens, tokens, size],
        )?;
        let all = Tensor::cat(&[dq.unsqueeze(0)?, dk.unsqueeze(0)?, dv.unsqueeze(0)?], 0)?;
        Ok(vec![Some(
            s.turned(&all, 3, true)?.reshape((n, tokens, width))?,
        )])
    });
    Ok(y)
}

impl Sizes {
    fn scale(&self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }

    /// A product for each head of each image, `[n, heads, rows, columns]`.
    fn product(&self, a: Factor<'_>, b: Factor<'_>, [m, k, n]: [usize; 3]) -> Result<Tensor> {
        let dims = [self.n, self.heads, m, n];
        let size = (self.n * self.heads, m, k, n);
        product(a, b, size, (&dims, self.dtype), self.tf32)
    }

    /// `[n, tokens, parts, heads, size]` as `[parts, n, heads, tokens, size]`, or the way back.
    fn turned(&self, x: &Tensor, parts: usize, back: bool) -> Result<Tensor> {
        let Sizes {
            n,
            tokens,
            heads,
            size,
            ..
        } = *self;
        let (gpu, y) = like(x)?;
        let grid = Grid::values(x.elem_count());
        launch!(
            gpu,
            "heads",
            Some(x.dtype()),
            grid,
            x,
            &y,
            n,
            tokens,
            parts,
            heads,
            size,
            back
        );
        match back {
            true => y.reshape((n, tokens, parts, heads, size)),
            false => y.reshape((parts, n, heads, tokens, size)),
        }
    }
}
