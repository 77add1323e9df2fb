//! Tensors on the CPU as slices, and slices as tensors.

use std::ops::Deref;

use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor, bail};

/// The values of a contiguous f32 tensor on the CPU.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a CPU kernel wants a contiguous tensor, got {layout:?}");
    };
    let CpuStorage::F32(data) = storage else {
        bail!("a CPU kernel wants f32 values");
    };
    match data.get(start..end) {
        Some(values) => Ok(values),
        None => bail!("the tensor's layout {layout:?} does not fit its storage"),
    }
}

/// Runs `f` on the values of f32 tensors on the CPU.
///
/// # Errors
/// Tensors of another type, or elsewhere.
pub(crate) fn read<T, const N: usize>(
    tensors: [&Tensor; N],
    f: impl FnOnce([&[f32]; N]) -> T,
) -> Result<T> {
    let mut contiguous = Vec::with_capacity(N);
    for tensor in tensors {
        contiguous.push(tensor.contiguous()?);
    }
    let reads: Vec<Read<'_>> = contiguous.iter().map(Read::of).collect();
    let mut values: [&[f32]; N] = [&[]; N];
    for (values, read) in values.iter_mut().zip(&reads) {
        *values = read.values()?;
    }
    Ok(f(values))
}

/// A new tensor on the CPU of what `f` makes of the values of others, which gradients do not go through of themselves.
///
/// # Errors
/// As [`read`]; another number of values than `shape` has.
pub(super) fn made<const N: usize>(
    tensors: [&Tensor; N],
    shape: impl Into<Shape>,
    f: impl FnOnce([&[f32]; N]) -> Vec<f32>,
) -> Result<Tensor> {
    Tensor::from_vec(read(tensors, f)?, shape.into(), &Device::Cpu)
}

/// A contiguous tensor that is being read.
pub(super) struct Read<'a> {
    storage: Box<dyn Deref<Target = Storage> + 'a>,
    layout: &'a Layout,
}

impl<'a> Read<'a> {
    pub fn of(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Read {
            storage: Box::new(storage),
            layout,
        }
    }

    pub fn values(&self) -> Result<&[f32]> {
        match &**self.storage {
            Storage::Cpu(storage) => values(storage, self.layout),
            _ => bail!("a CPU kernel wants a tensor on the CPU"),
        }
    }
}
