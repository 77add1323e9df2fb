//! A GPU as the operations use it: its stream, the kernels, cuDNN's and cuBLAS's handles.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use candle_core::cuda_backend::{CudaDType, DeviceId};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, DType, Device, Error, Result, Storage, Tensor, bail};
use cudarc::cublas::CudaBlas;
use cudarc::cublas::sys::{cublasHandle_t, cublasSetWorkspace_v2};
use cudarc::cudnn::{result as cudnn, sys::cudnnHandle_t};
use cudarc::driver::{CudaFunction, CudaModule, CudaSlice, CudaStream, DevicePtr, DeviceRepr};
use half::bf16;

/// The kernels of `kernels/`, as PTX.
const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

pub use super::grid::Grid;

thread_local! {
    static GPUS: RefCell<HashMap<DeviceId, Rc<Gpu>>> = RefCell::default();
}

/// A GPU, for one thread.
pub struct Gpu {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    module: Arc<CudaModule>,
    functions: RefCell<HashMap<(&'static str, Option<DType>), CudaFunction>>,
    pub cudnn: CudnnHandle,
    pub blas: Blas,
    /// Scratch memory of one operation at a time; they follow one another on the stream. The last is the largest; the
    /// others are kept for captured steps, which know their addresses.
    workspaces: RefCell<Vec<CudaSlice<u8>>>,
}

/// cuDNN on a stream.
pub struct CudnnHandle(pub cudnnHandle_t);

impl CudnnHandle {
    fn new(stream: &CudaStream) -> Result<Self> {
        stream.context().bind_to_thread().map_err(Error::wrap)?;
        let handle = CudnnHandle(cudnn::create_handle().map_err(Error::wrap)?);
        // SAFETY: the handle was just made; the stream lives as long as the GPU that has both.
        unsafe { cudnn::set_stream(handle.0, stream.cu_stream().cast()) }.map_err(Error::wrap)?;
        Ok(handle)
    }
}

/// cuBLAS on a stream, with scratch memory of its own, of the size that it recommends for newer GPUs: it asks for none
/// while a step is captured then, and computes the same way each time.
pub struct Blas {
    handle: CudaBlas,
    _workspace: CudaSlice<u8>,
}

impl Blas {
    fn new(device: &CudaDevice) -> Result<Self> {
        const BYTES: usize = 32 << 20;
        let stream = device.cuda_stream();
        let handle = CudaBlas::new(stream.clone()).map_err(Error::wrap)?;
        // SAFETY: bytes of any value are fine as scratch memory.
        let workspace = unsafe { device.alloc::<u8>(BYTES) }?;
        let place = workspace.device_ptr(&stream).0 as *mut std::ffi::c_void;
        // SAFETY: the memory lives as long as the handle.
        unsafe { cublasSetWorkspace_v2(*handle.handle(), place, BYTES) }
            .result()
            .map_err(Error::wrap)?;
        Ok(Blas {
            handle,
            _workspace: workspace,
        })
    }

    pub fn handle(&self) -> cublasHandle_t {
        *self.handle.handle()
    }
}

impl Drop for CudnnHandle {
    fn drop(&mut self) {
        // SAFETY: made once, destroyed once. That it may fail does no harm.
        let _ = unsafe { cudnn::destroy_handle(self.0) };
    }
}

/// The GPU with this number, with a queue of its own on which all operations of a tensor there follow one another.
///
/// # Errors
/// There is none, or it cannot be used.
pub fn open_gpu(number: usize) -> Result<Device> {
    let device = Device::new_cuda_with_stream(number)?;
    let cuda = device.as_cuda_device()?;
    // SAFETY: only this one stream is used with the device's tensors.
    unsafe { cuda.disable_event_tracking() };
    keep_freed_memory(number)?;
    Ok(device)
}

/// Bytes that are free on the GPU of this thread, and those that it has.
///
/// # Errors
/// What the driver reports.
pub fn gpu_memory() -> Result<(u64, u64)> {
    let (free, total) = cudarc::driver::result::mem_get_info().map_err(Error::wrap)?;
    Ok((free as u64, total as u64))
}

/// Has the driver keep freed memory for the next tensors, rather than give it back whenever the host waits.
fn keep_freed_memory(number: usize) -> Result<()> {
    use cudarc::driver::sys;
    let device = cudarc::driver::result::device::get(number as i32).map_err(Error::wrap)?;
    let mut pool = std::ptr::null_mut();
    let most = u64::MAX;
    let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the device is there; the attribute is a 64-bit number, which is read before the call ends.
    unsafe {
        sys::cuDeviceGetDefaultMemPool(&mut pool, device)
            .result()
            .map_err(Error::wrap)?;
        let most = (&raw const most).cast_mut().cast();
        sys::cuMemPoolSetAttribute(pool, threshold, most)
            .result()
            .map_err(Error::wrap)
    }
}

impl Gpu {
    /// The GPU that a tensor lies on.
    ///
    /// # Errors
    /// A tensor elsewhere, or libraries that cannot be used.
    pub fn of(tensor: &Tensor) -> Result<Rc<Self>> {
        let Device::Cuda(device) = tensor.device() else {
            bail!("a tensor on {:?} is no tensor of a GPU", tensor.device());
        };
        if let Some(gpu) = GPUS.with_borrow(|gpus| gpus.get(&device.id()).cloned()) {
            return Ok(gpu);
        }
        let gpu = Rc::new(Self::new(device)?);
        GPUS.with_borrow_mut(|gpus| gpus.insert(device.id(), gpu.clone()));
        Ok(gpu)
    }

    fn new(device: &CudaDevice) -> Result<Self> {
        let stream = device.cuda_stream();
        let module = stream.context().load_module(KERNELS.into());
        Ok(Gpu {
            module: module.map_err(Error::wrap)?,
            functions: RefCell::default(),
            cudnn: CudnnHandle::new(&stream)?,
            blas: Blas::new(device)?,
            workspaces: RefCell::default(),
            device: device.clone(),
            stream,
        })
    }

    /// Which GPU it is.
    pub fn id(&self) -> DeviceId {
        self.device.id()
    }

    /// The queue that everything runs on, one after another.
    pub fn stream(&self) -> &CudaStream {
        &self.stream
    }

    /// The kernel of this name, for values of this type or for none in particular.
    ///
    /// # Errors
    /// There is none.
    pub fn function(&self, name: &'static str, dtype: Option<DType>) -> Result<CudaFunction> {
        if let Some(function) = self.functions.borrow().get(&(name, dtype)) {
            return Ok(function.clone());
        }
        let full = match dtype {
            None => name.to_owned(),
            Some(DType::F32) => format!("{name}_f32"),
            Some(DType::BF16) => format!("{name}_bf16"),
            Some(other) => bail!("{name}: there is no kernel for {other:?}"),
        };
        let function = self.module.load_function(&full).map_err(Error::wrap)?;
        let mut functions = self.functions.borrow_mut();
        functions.insert((name, dtype), function.clone());
        Ok(function)
    }

    /// A tensor whose values are not written yet.
    ///
    /// # Errors
    /// No memory left, or a type other than f32 and bf16.
    pub fn uninitialized(&self, dims: &[usize], dtype: DType) -> Result<Tensor> {
        match dtype {
            DType::F32 => self.uninitialized_of::<f32>(dims),
            DType::BF16 => self.uninitialized_of::<bf16>(dims),
            other => bail!("the GPU's operations take f32 and bf16, not {other:?}"),
        }
    }

    fn uninitialized_of<V: CudaDType + DeviceRepr>(&self, dims: &[usize]) -> Result<Tensor> {
        // SAFETY: the callers write all values before any is read, on this stream.
        let slice = unsafe { self.device.alloc::<V>(dims.iter().product()) }?;
        let storage = CudaStorage::wrap_cuda_slice(slice, self.device.clone());
        let (storage, none) = (Storage::Cuda(storage), BackpropOp::none());
        Ok(Tensor::from_storage(storage, dims, none, false))
    }

    /// As [`Self::uninitialized`], in shape and type as another.
    ///
    /// # Errors
    /// The same.
    pub fn like(&self, tensor: &Tensor) -> Result<Tensor> {
        self.uninitialized(tensor.dims(), tensor.dtype())
    }

    /// The address of at least so many bytes, which the next operation may write too.
    ///
    /// # Errors
    /// No memory left.
    pub fn workspace(&self, bytes: usize) -> Result<u64> {
        let mut all = self.workspaces.borrow_mut();
        if all.last().is_none_or(|slice| slice.len() < bytes) {
            // SAFETY: bytes of any value are fine as scratch memory.
            all.push(unsafe { self.device.alloc::<u8>(bytes.max(64 << 20)) }?);
        }
        Ok(all
            .last()
            .map_or(0, |slice| slice.device_ptr(&self.stream).0))
    }
}

/// A tensor to be written, in shape and type as another, with its GPU.
///
/// # Errors
/// As [`Gpu::uninitialized`].
pub fn like(x: &Tensor) -> Result<(Rc<Gpu>, Tensor)> {
    let gpu = Gpu::of(x)?;
    let y = gpu.like(x)?;
    Ok((gpu, y))
}

/// Where the first value of a contiguous tensor lies.
///
/// # Errors
/// A tensor that is not contiguous, elsewhere, or of another type than f32, bf16, u32 and u8.
pub fn address(tensor: &Tensor) -> Result<u64> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else {
        bail!("a tensor on {:?} is no tensor of a GPU", tensor.device());
    };
    let Some((start, _)) = layout.contiguous_offsets() else {
        bail!("the GPU's operations take contiguous tensors, not {layout:?}");
    };
    fn base<V: CudaDType>(storage: &CudaStorage) -> Result<u64> {
        let slice = storage.as_cuda_slice::<V>()?;
        Ok(slice.device_ptr(slice.stream()).0)
    }
    let base = match tensor.dtype() {
        DType::F32 => base::<f32>(storage)?,
        DType::BF16 => base::<bf16>(storage)?,
        DType::U32 => base::<u32>(storage)?,
        DType::U8 => base::<u8>(storage)?,
        other => bail!("the GPU's operations take f32 and bf16, not {other:?}"),
    };
    Ok(base + (start * tensor.dtype().size_in_bytes()) as u64)
}

/// Copies all values of a contiguous tensor into another of the same size and type.
///
/// # Errors
/// Tensors that differ in that, or what the GPU reports.
pub fn copy(from: &Tensor, to: &Tensor) -> Result<()> {
    if from.elem_count() != to.elem_count() || from.dtype() != to.dtype() {
        bail!("{:?} cannot be copied into {:?}", from.shape(), to.shape());
    }
    let bytes = from.elem_count() * from.dtype().size_in_bytes();
    let gpu = Gpu::of(from)?;
    // SAFETY: both have so many bytes, and live until the stream is past the copy.
    unsafe {
        let (to, from, stream) = (address(to)?, address(from)?, gpu.stream.cu_stream());
        cudarc::driver::result::memcpy_dtod_async(to, from, bytes, stream).map_err(Error::wrap)
    }
}

/// What a kernel takes for a value here.
pub trait Parameter {
    type Value: DeviceRepr;

    /// As the kernel takes it.
    ///
    /// # Errors
    /// A number or a tensor that it cannot take.
    fn value(&self) -> Result<Self::Value>;
}

impl Parameter for &Tensor {
    type Value = u64;

    fn value(&self) -> Result<u64> {
        address(self)
    }
}

/// As a 32-bit integer.
impl Parameter for usize {
    type Value = i32;

    fn value(&self) -> Result<i32> {
        i32::try_from(*self).map_err(|_| {
            Error::Msg(format!(
                "{self} values are more than one operation on a GPU takes; make the batch smaller"
            ))
        })
    }
}

impl Parameter for bool {
    type Value = i32;

    fn value(&self) -> Result<i32> {
        Ok(i32::from(*self))
    }
}

impl Parameter for f32 {
    type Value = f32;

    fn value(&self) -> Result<f32> {
        Ok(*self)
    }
}

/// `launch!(gpu, "name", type of the values, grid, arguments…)` queues a kernel; its arguments are [`Parameter`]s.
macro_rules! launch {
    ($gpu:expr, $name:expr, $dtype:expr, $grid:expr, $($argument:expr),+ $(,)?) => {{
        use cudarc::driver::PushKernelArg as _;
        use crate::ops::cuda::gpu::Parameter as _;
        let function = $gpu.function($name, $dtype)?;
        let mut launch = $gpu.stream().launch_builder(&function);
        $(
            let argument = $argument.value()?;
            launch.arg(&argument);
        )+
        let config = $grid.config()?;
        // SAFETY: each wrapper gives its kernel the arguments that the kernel's signature wants; buffers are as large
        // as the sizes beside them say, and live until the stream has freed them, after the kernel.
        unsafe { launch.launch(config) }.map_err(candle_core::Error::wrap)?;
    }};
}
pub(super) use launch;
