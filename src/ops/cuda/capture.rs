//! A step as one CUDA graph: its operations are queued by the host once, and then by the GPU itself.

use std::cell::{Cell, RefCell};

use candle_core::{CudaDevice, Error, Result, Tensor, bail};
use cudarc::driver::{CudaGraph, CudaSlice, DevicePtr, DeviceRepr, sys};

use super::gpu::{Parameter, copy};

thread_local! {
    /// Where the operations that are being captured find what changes from step to step; 0 where none are captured.
    static VARYING: Cell<u64> = const { Cell::new(0) };
}

/// What changes from step to step beside the inputs, as the kernels take it: an address, or 0 where all is in the arguments.
pub struct Varying;

impl Parameter for Varying {
    type Value = u64;

    fn value(&self) -> Result<u64> {
        Ok(VARYING.get())
    }
}

/// The numbers of a step: `Numbers` of `kernels/common.cuh`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Numbers {
    /// Updates done before it, on which random values depend.
    pub step: u64,
    /// What the optimizer multiplies with.
    pub rate: f32,
    /// The part of the weights that it takes away.
    pub decay: f32,
}

// SAFETY: plain numbers, as the kernels have them.
unsafe impl DeviceRepr for Numbers {}

/// A captured step.
pub struct Captured {
    graph: CudaGraph,
    device: CudaDevice,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    numbers: RefCell<CudaSlice<Numbers>>,
}

/// Ends the capturing also where an operation fails.
struct Capturing;

impl Drop for Capturing {
    fn drop(&mut self) {
        VARYING.set(0);
    }
}

impl Captured {
    /// Runs `step` with these inputs, then captures it for others of the same shapes; gives its outputs, and what was
    /// captured or why nothing was.
    ///
    /// # Errors
    /// What the step reports.
    pub fn after(
        inputs: &[Tensor],
        step: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<(Vec<Tensor>, Result<Self>)> {
        let Some(first) = inputs.first() else {
            bail!("a step without inputs cannot be captured");
        };
        let device = first.device().as_cuda_device()?.clone();
        // What candle uploads for its own operations is kept from now on, and is there when they are captured.
        let _cache = device.enable_cuda_graph_htod_cache();
        let outputs = step(inputs)?;
        let captured = Self::new(device, inputs, &outputs, step);
        Ok((outputs, captured))
    }

    fn new(
        device: CudaDevice,
        inputs: &[Tensor],
        outputs: &[Tensor],
        step: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Self> {
        let stream = device.cuda_stream();
        let inputs: Vec<Tensor> = inputs.iter().map(Tensor::copy).collect::<Result<_>>()?;
        let outputs: Vec<Tensor> = outputs.iter().map(Tensor::copy).collect::<Result<_>>()?;
        // SAFETY: written before each run.
        let numbers = unsafe { device.alloc::<Numbers>(1) }?;
        let place = numbers.device_ptr(&stream).0;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        stream.begin_capture(mode).map_err(Error::wrap)?;
        let captured = {
            let _capturing = Capturing;
            VARYING.set(place);
            step(&inputs).and_then(|found| {
                let pairs = found.iter().zip(&outputs);
                pairs
                    .map(|(from, to)| copy(from, to))
                    .collect::<Result<Vec<()>>>()
            })
        };
        let flags = sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
        let graph = stream.end_capture(flags);
        captured?;
        let Some(graph) = graph.map_err(Error::wrap)? else {
            bail!("nothing was captured");
        };
        Ok(Captured {
            graph,
            device,
            inputs,
            outputs,
            numbers: RefCell::new(numbers),
        })
    }

    /// Whether inputs have the shapes that were captured.
    pub fn takes(&self, inputs: &[Tensor]) -> bool {
        let same = |(a, b): (&Tensor, &Tensor)| a.shape() == b.shape() && a.dtype() == b.dtype();
        self.inputs.len() == inputs.len() && self.inputs.iter().zip(inputs).all(same)
    }

    /// Runs it with such inputs; gives the outputs.
    ///
    /// # Errors
    /// What the GPU reports.
    pub fn run(&self, inputs: &[Tensor], numbers: Numbers) -> Result<Vec<Tensor>> {
        for (from, to) in inputs.iter().zip(&self.inputs) {
            copy(&from.contiguous()?, to)?;
        }
        let mut place = self.numbers.borrow_mut();
        self.device.memcpy_htod(&[numbers], &mut *place)?;
        self.graph.launch().map_err(Error::wrap)?;
        self.outputs.iter().map(Tensor::copy).collect()
    }
}
