//! The same values in another shape, or beside others.

use candle_core::{Result, Tensor};

use super::columns;
use super::elementwise::cast;
use crate::ops::tape::record;

/// As [`crate::ops::concat`].
pub fn concat(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let axis = a.rank() - 1;
    let y = Tensor::cat(&[a, b], axis)?;
    let (first, second) = (a.dim(axis)?, b.dim(axis)?);
    record(&[a, b], &y, move |dy| {
        let da = dy.narrow(axis, 0, first)?.contiguous()?;
        let db = dy.narrow(axis, first, second)?.contiguous()?;
        Ok(vec![Some(da), Some(db)])
    });
    Ok(y)
}

/// As [`crate::ops::embed`].
pub fn embed(tokens: &Tensor, class: &Tensor, positions: &Tensor) -> Result<Tensor> {
    let (n, t, c) = tokens.dims3()?;
    let dtype = tokens.dtype();
    let (first, added) = (cast(class, dtype)?, cast(positions, dtype)?);
    let first = first.broadcast_as((n, 1, c))?.contiguous()?;
    let y = Tensor::cat(&[&first, tokens], 1)?.broadcast_add(&added)?;
    record(&[tokens, class, positions], &y, move |dy| {
        let of_positions = columns::sums(&dy.reshape((n, (t + 1) * c))?)?.reshape((1, t + 1, c))?;
        let of_class = of_positions.narrow(1, 0, 1)?.contiguous()?;
        let of_tokens = dy.narrow(1, 1, t)?.contiguous()?;
        Ok(vec![Some(of_tokens), Some(of_class), Some(of_positions)])
    });
    Ok(y)
}
