//! Convolutions by cuDNN, channels last.

use std::collections::HashMap;
use std::ffi::c_void;
use std::rc::Rc;

use candle_core::{DType, Error, Result, Tensor, bail};
use cudarc::cudnn::{result, sys};

use super::columns::finish_backward;
use super::elementwise::finish;
use super::gpu::{Gpu, Grid, Parameter, address, launch};
use super::product::{dense, tf32_is_allowed};
use super::tape::{is_wanted, record};
use crate::ops::conv2d::Shape;

/// Scratch memory that an algorithm may take, bytes.
const MOST_WORKSPACE: usize = 2 << 30;
/// Algorithms that cuDNN is asked for.
const ASKED: usize = 8;

/// What is known of each convolution.
pub type Plans = HashMap<(Shape, DType, bool), Rc<Plan>>;

/// A convolution as cuDNN has it, with the way that its heuristics find fastest for each direction among those that give
/// the same bytes each time.
pub struct Plan {
    x: Descriptor<sys::cudnnTensorDescriptor_t>,
    kernel: Descriptor<sys::cudnnFilterDescriptor_t>,
    conv: Descriptor<sys::cudnnConvolutionDescriptor_t>,
    y: Descriptor<sys::cudnnTensorDescriptor_t>,
    forward: Option<Way<sys::cudnnConvolutionFwdAlgo_t>>,
    input: Option<Way<sys::cudnnConvolutionBwdDataAlgo_t>>,
    weights: Option<Way<sys::cudnnConvolutionBwdFilterAlgo_t>>,
}

/// An algorithm, the arithmetic it was chosen with, and its scratch memory in bytes.
#[derive(Clone, Copy)]
struct Way<A> {
    algorithm: A,
    math: sys::cudnnMathType_t,
    workspace: usize,
}

/// One of cuDNN's descriptions, given back at the end.
struct Descriptor<D: Copy> {
    handle: D,
    destroy: unsafe fn(D) -> std::result::Result<(), result::CudnnError>,
}

impl<D: Copy> Drop for Descriptor<D> {
    fn drop(&mut self) {
        // SAFETY: it was made by cuDNN and is destroyed once. That it may fail does no harm.
        let _ = unsafe { (self.destroy)(self.handle) };
    }
}

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
    let plan = gpu.plan(padded.inner, dtype, tf32)?;
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

impl Gpu {
    /// The plan of a convolution, made when it is first seen.
    fn plan(&self, s: Shape, dtype: DType, tf32: bool) -> Result<Rc<Plan>> {
        let key = (s, dtype, tf32 && dtype == DType::F32);
        if let Some(plan) = self.plans.borrow().get(&key) {
            return Ok(plan.clone());
        }
        let plan = Rc::new(Plan::new(self, s, dtype, tf32).map_err(|e| {
            e.context(format!(
                "cuDNN cannot compute the convolution {s:?} of {dtype:?}"
            ))
        })?);
        self.plans.borrow_mut().insert(key, plan.clone());
        Ok(plan)
    }

    fn cudnn(&self) -> sys::cudnnHandle_t {
        self.cudnn.0
    }
}

/// The first of some proposals that works, gives the same bytes each time and takes no more than [`MOST_WORKSPACE`].
macro_rules! first_way {
    ($proposals:expr, $count:expr, $algorithm:ident) => {
        $proposals
            .iter()
            .take($count as usize)
            .find(|p| {
                p.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS
                    && p.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC
                    && p.memory <= MOST_WORKSPACE
            })
            .map(|p| Way {
                algorithm: p.algo,
                math: p.mathType,
                workspace: p.memory,
            })
    };
}

impl Plan {
    fn new(gpu: &Gpu, s: Shape, dtype: DType, tf32: bool) -> Result<Self> {
        use result as r;
        let format = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC;
        let float = sys::cudnnDataType_t::CUDNN_DATA_FLOAT;
        let (kind, math) = match (dtype, tf32) {
            (DType::F32, false) => (float, sys::cudnnMathType_t::CUDNN_FMA_MATH),
            (DType::F32, true) => (float, sys::cudnnMathType_t::CUDNN_DEFAULT_MATH),
            _ => (
                sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16,
                sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
            ),
        };
        let sizes = |sizes: [usize; 4]| -> Result<[i32; 4]> {
            let mut values = [0; 4];
            for (value, size) in values.iter_mut().zip(sizes) {
                *value = size.value()?;
            }
            Ok(values)
        };
        let tensor = |dims: [usize; 4]| {
            let handle = r::create_tensor_descriptor().map_err(Error::wrap)?;
            let descriptor = Descriptor {
                handle,
                destroy: r::destroy_tensor_descriptor,
            };
            // SAFETY: the descriptor was just made.
            unsafe { r::set_tensor4d_descriptor(handle, format, kind, sizes(dims)?) }
                .map_err(Error::wrap)?;
            Ok::<_, Error>(descriptor)
        };
        let x = tensor([s.n, s.cin, s.h, s.w])?;
        let y = tensor([s.n, s.cout, s.ho, s.wo])?;
        let handle = r::create_filter_descriptor().map_err(Error::wrap)?;
        let kernel = Descriptor {
            handle,
            destroy: r::destroy_filter_descriptor,
        };
        let dims = sizes([s.cout, s.cin / s.groups, s.kh, s.kw])?;
        // SAFETY: the descriptor was just made.
        unsafe { r::set_filter4d_descriptor(handle, kind, format, dims) }.map_err(Error::wrap)?;
        let handle = r::create_convolution_descriptor().map_err(Error::wrap)?;
        let conv = Descriptor {
            handle,
            destroy: r::destroy_convolution_descriptor,
        };
        let [top, left] = s.padding;
        let stride = s.stride.value()?;
        // SAFETY: the descriptor was just made.
        unsafe {
            r::set_convolution2d_descriptor(
                handle,
                top.value()?,
                left.value()?,
                stride,
                stride,
                1,
                1,
                sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION,
                float,
            )
            .map_err(Error::wrap)?;
            r::set_convolution_math_type(handle, math).map_err(Error::wrap)?;
            r::set_convolution_group_count(handle, s.groups.value()?).map_err(Error::wrap)?;
        }
        let mut plan = Plan {
            x,
            kernel,
            conv,
            y,
            forward: None,
            input: None,
            weights: None,
        };
        plan.choose(gpu)?;
        Ok(plan)
    }

    /// Asks cuDNN's heuristics for the ways.
    fn choose(&mut self, gpu: &Gpu) -> Result<()> {
        let (cudnn, x, k) = (gpu.cudnn(), self.x.handle, self.kernel.handle);
        let (c, y, asked) = (self.conv.handle, self.y.handle, ASKED as i32);
        // SAFETY: all descriptors are set, and there is room for as many proposals as are asked for; the proposals are
        // plain numbers, for which zeros are fine.
        unsafe {
            let mut count = 0;
            let mut found: [sys::cudnnConvolutionFwdAlgoPerf_t; ASKED] = std::mem::zeroed();
            result::get_convolution_forward_algorithm(
                cudnn,
                x,
                k,
                c,
                y,
                asked,
                &mut count,
                found.as_mut_ptr(),
            )
            .map_err(Error::wrap)?;
            self.forward = first_way!(found, count, algo);
            let mut found: [sys::cudnnConvolutionBwdDataAlgoPerf_t; ASKED] = std::mem::zeroed();
            result::get_convolution_backward_data_algorithm(
                cudnn,
                k,
                y,
                c,
                x,
                asked,
                &mut count,
                found.as_mut_ptr(),
            )
            .map_err(Error::wrap)?;
            self.input = first_way!(found, count, algo);
            let mut found: [sys::cudnnConvolutionBwdFilterAlgoPerf_t; ASKED] = std::mem::zeroed();
            result::get_convolution_backward_filter_algorithm(
                cudnn,
                x,
                y,
                c,
                k,
                asked,
                &mut count,
                found.as_mut_ptr(),
            )
            .map_err(Error::wrap)?;
            self.weights = first_way!(found, count, algo);
        }
        Ok(())
    }

    /// Sets the arithmetic of a way; gives its scratch memory.
    fn prepare<A>(&self, gpu: &Gpu, way: &Way<A>) -> Result<*mut c_void> {
        // SAFETY: the descriptor is set.
        unsafe { result::set_convolution_math_type(self.conv.handle, way.math) }
            .map_err(Error::wrap)?;
        Ok(gpu.workspace(way.workspace)? as *mut c_void)
    }

    fn forward(&self, gpu: &Gpu, x: &Tensor, kernel: &Tensor, y: &Tensor) -> Result<()> {
        let way = known(self.forward)?;
        let scratch = self.prepare(gpu, &way)?;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: the tensors have the sizes of the descriptors and live until the stream is past the convolution.
        unsafe {
            result::convolution_forward(
                gpu.cudnn(),
                (&raw const one).cast(),
                self.x.handle,
                address(x)? as *const c_void,
                self.kernel.handle,
                address(kernel)? as *const c_void,
                self.conv.handle,
                way.algorithm,
                scratch,
                way.workspace,
                (&raw const zero).cast(),
                self.y.handle,
                address(y)? as *mut c_void,
            )
        }
        .map_err(Error::wrap)
    }

    fn input(&self, gpu: &Gpu, kernel: &Tensor, dy: &Tensor, dx: &Tensor) -> Result<()> {
        let way = known(self.input)?;
        let scratch = self.prepare(gpu, &way)?;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_data(
                gpu.cudnn(),
                (&raw const one).cast(),
                self.kernel.handle,
                address(kernel)? as *const c_void,
                self.y.handle,
                address(dy)? as *const c_void,
                self.conv.handle,
                way.algorithm,
                scratch,
                way.workspace,
                (&raw const zero).cast(),
                self.x.handle,
                address(dx)? as *mut c_void,
            )
        }
        .map_err(Error::wrap)
    }

    fn weights(&self, gpu: &Gpu, x: &Tensor, dy: &Tensor, gradient: &Tensor) -> Result<()> {
        let way = known(self.weights)?;
        let scratch = self.prepare(gpu, &way)?;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_filter(
                gpu.cudnn(),
                (&raw const one).cast(),
                self.x.handle,
                address(x)? as *const c_void,
                self.y.handle,
                address(dy)? as *const c_void,
                self.conv.handle,
                way.algorithm,
                scratch,
                way.workspace,
                (&raw const zero).cast(),
                self.kernel.handle,
                address(gradient)? as *mut c_void,
            )
        }
        .map_err(Error::wrap)
    }
}

fn known<A>(way: Option<Way<A>>) -> Result<Way<A>> {
    match way {
        Some(way) => Ok(way),
        None => bail!("cuDNN has no way of this convolution that gives the same bytes each time"),
    }
}
