//! Matrix products by cuBLAS, and dense layers.

use std::cell::Cell;
use std::ffi::c_void;

use candle_core::{DType, Error, Result, Tensor, bail};
use cudarc::cublas::{result, sys};

use super::elementwise::cast;
use super::finish::{finish, finish_backward};
use super::gpu::{Gpu, Parameter, address};
use crate::ops::tape::{is_wanted, record};

thread_local! {
    static TF32: Cell<bool> = const { Cell::new(false) };
}

/// Whether products and convolutions of f32 values may round them to TF32 (10 bits of mantissa), on this thread from now
/// on; sums stay f32. What was computed before keeps its own way for the backward pass.
pub fn allow_tf32(allowed: bool) {
    TF32.set(allowed);
}

/// As [`allow_tf32`] said last.
pub fn tf32_is_allowed() -> bool {
    TF32.get()
}

/// One factor of a product: matrices one after another, each row by row, taken as they are or transposed.
#[derive(Clone, Copy)]
pub struct Factor<'a> {
    pub tensor: &'a Tensor,
    pub transposed: bool,
}

impl<'a> Factor<'a> {
    pub fn plain(tensor: &'a Tensor) -> Self {
        Factor {
            tensor,
            transposed: false,
        }
    }

    pub fn transposed(tensor: &'a Tensor) -> Self {
        Factor {
            tensor,
            transposed: true,
        }
    }
}

/// `a × b` of `batch` matrices of `[m, k]` and `[k, n]`, in the type `out`, with dimensions `dims`.
pub fn product(
    a: Factor<'_>,
    b: Factor<'_>,
    (batch, m, k, n): (usize, usize, usize, usize),
    (dims, out): (&[usize], DType),
    tf32: bool,
) -> Result<Tensor> {
    let gpu = Gpu::of(a.tensor)?;
    let c = gpu.uninitialized(dims, out)?;
    let counts = [
        (a.tensor.elem_count(), batch * m * k),
        (b.tensor.elem_count(), batch * k * n),
        (c.elem_count(), batch * m * n),
    ];
    if counts.iter().any(|(has, needs)| has != needs) || a.tensor.dtype() != b.tensor.dtype() {
        bail!("a product of {batch} × {m} × {k} × {n} does not fit its tensors");
    }
    let kind = |dtype| match dtype {
        DType::BF16 => sys::cudaDataType::CUDA_R_16BF,
        _ => sys::cudaDataType::CUDA_R_32F,
    };
    let compute = match (a.tensor.dtype(), tf32) {
        (DType::F32, true) => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
        _ => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
    };
    let op = |transposed| match transposed {
        true => sys::cublasOperation_t::CUBLAS_OP_T,
        false => sys::cublasOperation_t::CUBLAS_OP_N,
    };
    let (one, zero) = (1f32, 0f32);
    // cuBLAS has columns one after another: it is asked for the transposed product, b first.
    let (b_width, a_width) = (
        if b.transposed { k } else { n },
        if a.transposed { m } else { k },
    );
    // SAFETY: the tensors have as many values as the sizes say, by the check above; they live until the stream is past
    // the product.
    unsafe {
        result::gemm_strided_batched_ex(
            gpu.blas.handle(),
            op(b.transposed),
            op(a.transposed),
            n.value()?,
            m.value()?,
            k.value()?,
            (&raw const one).cast::<c_void>(),
            address(b.tensor)? as *const c_void,
            kind(b.tensor.dtype()),
            b_width.value()?,
            (k * n) as i64,
            address(a.tensor)? as *const c_void,
            kind(a.tensor.dtype()),
            a_width.value()?,
            (m * k) as i64,
            (&raw const zero).cast::<c_void>(),
            address(&c)? as *mut c_void,
            kind(out),
            n.value()?,
            (m * n) as i64,
            batch.value()?,
            compute,
            sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
        )
    }
    .map_err(Error::wrap)?;
    Ok(c)
}

/// `x` `[rows, inputs]` × `weight` `[inputs, outputs]`, + `bias`, then ReLU where asked for; of any checked shape whose
/// values are those of such matrices. The result has the dimensions `out`.
pub fn dense(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    relu: bool,
    out: &[usize],
) -> Result<Tensor> {
    let tf32 = tf32_is_allowed();
    let (dtype, kept) = (x.dtype(), x.contiguous()?);
    let outputs = weight.dims().last().copied().unwrap_or(1);
    let inputs = weight.elem_count() / outputs;
    let rows = x.elem_count() / inputs;
    let kernel = cast(&weight.contiguous()?, dtype)?;
    let size = (1, rows, inputs, outputs);
    let y = product(
        Factor::plain(&kept),
        Factor::plain(&kernel),
        size,
        (out, dtype),
        tf32,
    )?;
    finish(&y, bias, relu)?;
    let nothing = bias.is_none();
    let bias = bias.unwrap_or(weight);
    let wanted = [x, weight, bias].map(is_wanted);
    let y_kept = relu.then(|| y.clone());
    let weight_dims = weight.dims().to_vec();
    let x_dims = x.dims().to_vec();
    record(&[x, weight, bias], &y, move |dy| {
        let (dy, dbias) = finish_backward(dy, y_kept.as_ref(), wanted[2] && !nothing)?;
        let dweight = wanted[1].then(|| {
            let (x, dy) = (Factor::transposed(&kept), Factor::plain(&dy));
            product(
                x,
                dy,
                (1, inputs, rows, outputs),
                (&weight_dims, DType::F32),
                tf32,
            )
        });
        let dx = wanted[0].then(|| {
            let (dy, kernel) = (Factor::plain(&dy), Factor::transposed(&kernel));
            product(
                dy,
                kernel,
                (1, rows, outputs, inputs),
                (&x_dims, dtype),
                tf32,
            )
        });
        Ok(vec![dx.transpose()?, dweight.transpose()?, dbias])
    });
    Ok(y)
}
