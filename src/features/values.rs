//! One split's features.

use candle_core::{Device, Error, Result, Tensor};
use memmap2::Mmap;
use rayon::prelude::*;

use super::file;
use crate::model::Shape;

/// Bytes that are copied by one task at least.
const TASK: usize = 256 << 10;

/// What the frozen part gives for every image of a split, in the order of the images.
#[derive(Debug)]
pub struct Features {
    shape: Shape,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Memory(Vec<f32>),
    /// A file of the cache folder, its checksum verified.
    Mapped(Mmap),
}

impl Features {
    /// Values of `shape` for each image, one image after another.
    pub(super) fn in_memory(shape: Shape, values: Vec<f32>) -> Self {
        Features {
            shape,
            values: Values::Memory(values),
        }
    }

    /// The same in a checked file.
    pub(super) fn mapped(shape: Shape, file: Mmap) -> Self {
        Features {
            shape,
            values: Values::Mapped(file),
        }
    }

    /// Bytes that count against the memory budget; a mapped file's are the system's to take back.
    pub(super) fn memory(&self) -> u64 {
        match &self.values {
            Values::Memory(values) => size_of_val(values.as_slice()) as u64,
            Values::Mapped(_) => 0,
        }
    }

    /// The features of the images with these indices, `[n, …]` as the last frozen layer gives them.
    ///
    /// # Errors
    /// An index of no image; a device that is out of memory.
    pub fn rows(&self, indices: &[u32], device: &Device) -> Result<Tensor> {
        let width = self.shape.elements().max(1);
        let mut rows = vec![0f32; indices.len() * width];
        rows.par_chunks_mut(width)
            .zip(indices)
            .with_min_len((TASK / 4 / width).max(1))
            .try_for_each(|(row, &i)| {
                self.copy(i as usize, row)
                    .ok_or_else(|| Error::Msg(format!("there are no features of image {i}")).bt())
            })?;
        let dims = match self.shape {
            Shape::Map {
                height,
                width,
                channels,
            } => vec![indices.len(), height, width, channels],
            Shape::Vector { len, .. } => vec![indices.len(), len],
        };
        Tensor::from_vec(rows, dims, device)
    }

    /// Copies image `i`'s values to `row`.
    fn copy(&self, i: usize, row: &mut [f32]) -> Option<()> {
        let range = |size: usize| {
            let start = i.checked_mul(row.len())?.checked_mul(size)?;
            Some(start..start.checked_add(row.len() * size)?)
        };
        match &self.values {
            Values::Memory(values) => row.copy_from_slice(values.get(range(1)?)?),
            Values::Mapped(map) => {
                let bytes = file::values(map).get(range(4)?)?.as_chunks::<4>().0;
                for (value, bytes) in row.iter_mut().zip(bytes) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
        }
        Some(())
    }
}
