//! Which way a convolution goes.

use candle_core::{Result, Tensor, bail};

use super::config::Conv2dConfig;
use super::finish::Finish;
use super::shape::Shape;
use super::{bands, depthwise, forward, indirect, winograd};
use crate::ops::cpu::{Shared, check, check_dims};
use crate::ops::matrix::{MAX_DEPTH, Matrix};
use crate::ops::products::Products;
use crate::ops::scratch::{PACKED, Passes, Scratch};

/// Output positions of an image from which on laying out the kernel anew is worth it.
const MIN_POSITIONS: usize = 16;

/// Whether [`indirect`] is the way where Winograd's does not pay; the same for any batch.
pub(super) fn is_indirect(s: &Shape) -> bool {
    s.groups > 1 || s.ho * s.wo >= MIN_POSITIONS && !s.is_sparse()
}

/// Convolves `x` with a kernel as a `[depth, cout]` matrix, not by Winograd's way.
pub(super) fn convolve_matrix(
    s: &Shape,
    x: &[f32],
    kernel: Matrix<'_>,
    finish: Finish<'_>,
) -> Vec<f32> {
    match is_indirect(s) {
        true => indirect::convolve(s, x, kernel, finish),
        false => forward::convolve(s, x, kernel, finish),
    }
}

/// The sizes of a convolution of tensors that fit.
pub(super) fn checked(
    x: &Tensor,
    kernel: &Tensor,
    bias: Option<&Tensor>,
    config: &Conv2dConfig,
) -> Result<Shape> {
    check("conv2d", &[("x", x), ("the kernel", kernel)])?;
    let shape = Shape::new(x.dims(), kernel.dims(), config)?;
    if let Some(bias) = bias {
        check("conv2d", &[("the bias", bias)])?;
        let kernel = ("a kernel", kernel.dims());
        check_dims("conv2d", ("the bias", bias), &[shape.cout], kernel)?;
    }
    Ok(shape)
}

/// The sizes of a dense layer of tensors that fit, and its result's.
pub(in crate::ops) fn checked_dense(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    products: Products,
) -> Result<(Shape, Vec<usize>)> {
    check("dense", &[("x", x), ("the weight", weight)])?;
    let (&[_, .., inputs], &[weight_inputs, outputs]) = (x.dims(), weight.dims()) else {
        bail!(
            "dense: x must be [batch, …, inputs] and the weight [inputs, outputs], got {:?} and {:?}",
            x.dims(),
            weight.dims()
        );
    };
    if inputs != weight_inputs {
        bail!(
            "dense: x of shape {:?} has {inputs} inputs, the weight of shape {:?} wants {weight_inputs}",
            x.dims(),
            weight.dims()
        );
    }
    if let Some(bias) = bias {
        check("dense", &[("the bias", bias)])?;
        let weight = ("a weight", weight.dims());
        check_dims("dense", ("the bias", bias), &[outputs], weight)?;
    }
    let mut out = x.dims().to_vec();
    out[x.rank() - 1] = outputs;
    let shape = Shape {
        products,
        ..Shape::dense(x.dims(), outputs)
    };
    Ok((shape, out))
}

/// Convolves `x` with `kernel` in the way that is fastest for the sizes; the same for any batch.
pub(super) fn convolve(s: &Shape, x: &[f32], kernel: &[f32], finish: Finish<'_>) -> Vec<f32> {
    if s.is_depthwise() {
        return depthwise::convolve(s, x, kernel, finish);
    }
    if !winograd::pays(s) {
        let kernel = Matrix::new(kernel, s.depth() / s.groups, s.cout);
        return convolve_matrix(s, x, kernel, finish);
    }
    winograd::convolve(s, x, winograd::Kernel::Plain(kernel), finish)
}

/// Whether [`fill`] can compute it, with these steps.
pub(super) fn can_fill(s: &Shape, finish: Finish<'_>) -> bool {
    let has_a_way = !s.is_depthwise() && (winograd::pays(s) || is_indirect(s));
    has_a_way && finish.add.is_none() && finish.later().is_none()
}

/// As [`convolve`], to the columns of `out` that `finish` says.
///
/// # Safety
/// No other task may touch these columns at the same time, and [`can_fill`] says that it can.
pub(super) unsafe fn fill(
    s: &Shape,
    x: &[f32],
    kernel: &[f32],
    finish: Finish<'_>,
    out: &Shared<'_>,
) {
    if winograd::pays(s) {
        // SAFETY: by this function's contract.
        return unsafe { winograd::fill(s, x, winograd::Kernel::Plain(kernel), finish, out) };
    }
    let kernel = Matrix::new(kernel, s.depth() / s.groups, s.cout);
    // SAFETY: by this function's contract.
    unsafe { indirect::fill(s, x, kernel, finish, out) };
}

/// What a convolution takes for itself while it is computed.
pub(super) fn scratch(s: &Shape, passes: Passes) -> Scratch {
    if s.is_depthwise() {
        return bands::scratch(s);
    }
    if winograd::pays(s) {
        return winograd::scratch(s, passes);
    }
    let depth = s.depth().min(MAX_DEPTH);
    let mut scratch = if is_indirect(s) {
        indirect::scratch(s)
    } else {
        let rows = s.rows().min(forward::TILE_ROWS);
        Scratch {
            task: rows * (s.cout / s.groups + depth) + packed(rows, depth, s.cout),
            ..Scratch::default()
        }
    };
    if passes == Passes::Both {
        scratch.task += packed(s.rows(), depth, s.cout);
    }
    scratch
}

/// Values of both factors of a product by `gemm`, as far as it packs them.
fn packed(rows: usize, depth: usize, columns: usize) -> usize {
    let most = PACKED as usize / size_of::<f32>();
    most.min(depth.saturating_mul(rows.saturating_add(columns)))
}
