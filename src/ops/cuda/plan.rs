//! How cuDNN computes a convolution.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::rc::Rc;

use candle_core::cuda_backend::DeviceId;
use candle_core::{DType, Error, Result, Tensor, bail};
use cudarc::cudnn::{result, sys};

use super::gpu::{Gpu, Parameter, address};
use crate::ops::conv2d::Shape;

/// Scratch memory that an algorithm may take, bytes.
const MOST_WORKSPACE: usize = 2 << 30;
/// Algorithms that cuDNN is asked for.
const ASKED: usize = 8;

/// A convolution of a GPU: its sizes, the type of its values, and whether they may be rounded to TF32.
type Key = (DeviceId, Shape, DType, bool);

thread_local! {
    static PLANS: RefCell<HashMap<Key, Rc<Plan>>> = RefCell::default();
}

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

/// The plan of a convolution, made when it is first seen.
///
/// # Errors
/// Sizes that cuDNN does not take.
pub fn plan(gpu: &Gpu, s: Shape, dtype: DType, tf32: bool) -> Result<Rc<Plan>> {
    let key = (gpu.id(), s, dtype, tf32 && dtype == DType::F32);
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(&key).cloned()) {
        return Ok(plan);
    }
    let plan = Plan::new(gpu, s, dtype, tf32).map_err(|e| {
        e.context(format!(
            "cuDNN cannot compute the convolution {s:?} of {dtype:?}"
        ))
    });
    let plan = Rc::new(plan?);
    PLANS.with_borrow_mut(|plans| plans.insert(key, plan.clone()));
    Ok(plan)
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
        let (cudnn, x, k) = (gpu.cudnn.0, self.x.handle, self.kernel.handle);
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

    /// The convolution of `x` with a kernel, into `y`.
    ///
    /// # Errors
    /// No way that gives the same bytes each time, or what cuDNN reports.
    pub fn forward(&self, gpu: &Gpu, x: &Tensor, kernel: &Tensor, y: &Tensor) -> Result<()> {
        let way = known(self.forward)?;
        let scratch = self.prepare(gpu, &way)?;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: the tensors have the sizes of the descriptors and live until the stream is past the convolution.
        unsafe {
            result::convolution_forward(
                gpu.cudnn.0,
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

    /// The gradient of the input from that of the output, into `dx`.
    ///
    /// # Errors
    /// No way that gives the same bytes each time, or what cuDNN reports.
    pub fn input(&self, gpu: &Gpu, kernel: &Tensor, dy: &Tensor, dx: &Tensor) -> Result<()> {
        let way = known(self.input)?;
        let scratch = self.prepare(gpu, &way)?;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_data(
                gpu.cudnn.0,
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

    /// The gradient of the kernel from that of the output.
    ///
    /// # Errors
    /// No way that gives the same bytes each time, or what cuDNN reports.
    pub fn weights(&self, gpu: &Gpu, x: &Tensor, dy: &Tensor, gradient: &Tensor) -> Result<()> {
        let way = known(self.weights)?;
        let scratch = self.prepare(gpu, &way)?;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_filter(
                gpu.cudnn.0,
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
