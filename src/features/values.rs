//! One view's features.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use candle_core::{Device, Error, Result, Tensor};
use rayon::prelude::*;

use super::file::Stored;
use crate::graph::Shape;

/// Bytes that are copied by one task at least.
const TASK: usize = 256 << 10;

/// Features as one split sees them.
#[derive(Clone, Debug)]
pub struct OfSplit {
    features: Arc<Features>,
    /// The place of each of the split's images among those that have features, where there are more.
    rows: Option<Vec<u32>>,
    /// How many images have features.
    images: usize,
}

impl OfSplit {
    pub(super) fn new(features: Arc<Features>, rows: Option<Vec<u32>>, images: usize) -> Self {
        OfSplit {
            features,
            rows,
            images,
        }
    }

    /// Whether the split's image with this index has features.
    pub fn has(&self, index: u32) -> bool {
        let row = match &self.rows {
            Some(rows) => rows.get(index as usize).copied(),
            None => Some(index),
        };
        row.is_some_and(|row| (row as usize) < self.images)
    }

    /// The features of the split's images with these indices, `[n, …]` for each node that gives them.
    ///
    /// # Errors
    /// An index of no image that has them; a device that is out of memory.
    pub fn rows(&self, indices: &[u32], device: &Device) -> Result<Vec<Tensor>> {
        let Some(rows) = &self.rows else {
            return self.features.rows(indices, device);
        };
        let row = |&i: &u32| rows.get(i as usize).copied().ok_or_else(|| missing(i));
        let rows = indices.iter().map(row).collect::<Result<Vec<u32>>>()?;
        self.features.rows(&rows, device)
    }
}

fn missing(i: u32) -> Error {
    Error::Msg(format!("there are no features of image {i}")).bt()
}

/// What the frozen part gives for every image of a view, in the order of the images.
#[derive(Debug)]
pub struct Features {
    /// Of the nodes that give them; an image's values of one lie behind those of the one before.
    shapes: Vec<Shape>,
    values: Values,
    /// All of them on a GPU, by node; none where they do not fit there.
    resident: OnceLock<Option<Vec<Tensor>>>,
}

#[derive(Debug)]
enum Values {
    Memory(Vec<f32>),
    /// A checked file of the cache folder.
    Stored(Stored),
}

impl Features {
    /// Values of `shapes` for each image, one image after another.
    pub(super) fn in_memory(shapes: Vec<Shape>, values: Vec<f32>) -> Self {
        Features {
            shapes,
            values: Values::Memory(values),
            resident: OnceLock::new(),
        }
    }

    /// The same in a checked file.
    pub(super) fn stored(shapes: Vec<Shape>, file: Stored) -> Self {
        Features {
            shapes,
            values: Values::Stored(file),
            resident: OnceLock::new(),
        }
    }

    /// Bytes that count against the memory budget; a file's are the system's to take back.
    pub(super) fn memory(&self) -> u64 {
        match &self.values {
            Values::Memory(values) => size_of_val(values.as_slice()) as u64,
            Values::Stored(_) => 0,
        }
    }

    /// The features of the images with these indices, `[n, …]` as each node of the frontier gives them.
    ///
    /// # Errors
    /// An index of no image; a device that is out of memory.
    pub fn rows(&self, indices: &[u32], device: &Device) -> Result<Vec<Tensor>> {
        if device.is_cuda()
            && let Some(all) = self.resident.get_or_init(|| self.upload(device))
        {
            let indices = Tensor::new(indices, device)?;
            return all
                .iter()
                .map(|all| all.index_select(&indices, 0))
                .collect();
        }
        self.copied(indices, device)
    }

    /// All features on a device; none, and it is said, where it has no room for them.
    fn upload(&self, device: &Device) -> Option<Vec<Tensor>> {
        let width: usize = self.shapes.iter().map(Shape::elements).sum();
        let images = match &self.values {
            Values::Memory(values) => values.len() / width.max(1),
            Values::Stored(file) => file.images(),
        };
        let all: Vec<u32> = (0..images as u32).collect();
        let copied = self.copied(&all, device).inspect_err(|why| {
            tracing::warn!("features stay in the host's memory: {why}");
        });
        copied.ok()
    }

    /// [`Self::rows`] from the host's memory.
    fn copied(&self, indices: &[u32], device: &Device) -> Result<Vec<Tensor>> {
        let width: usize = self.shapes.iter().map(Shape::elements).sum();
        let mut start = 0;
        let tensor = |shape: &Shape| {
            let part = start..start + shape.elements();
            start = part.end;
            let rows = self.part(indices, width, part)?;
            let dims = [vec![indices.len()], shape.dims()].concat();
            Tensor::from_vec(rows, dims, device)
        };
        self.shapes.iter().map(tensor).collect()
    }

    /// Of each image's `width` values, those of `part`.
    fn part(&self, indices: &[u32], width: usize, part: Range<usize>) -> Result<Vec<f32>> {
        let len = part.len().max(1);
        let mut rows = vec![0f32; indices.len() * part.len()];
        let copied = rows
            .par_chunks_mut(len)
            .zip(indices)
            .with_min_len((TASK / 4 / len).max(1))
            .try_for_each(|(row, &i)| {
                let start = (i as usize).checked_mul(width).map(|at| at + part.start);
                start
                    .and_then(|start| self.copy(start, row))
                    .ok_or_else(|| missing(i))
            });
        if let Values::Stored(file) = &self.values {
            file.confirm().map_err(Error::Msg)?;
        }
        copied?;
        Ok(rows)
    }

    /// Copies the values from `start` on to `row`.
    fn copy(&self, start: usize, row: &mut [f32]) -> Option<()> {
        match &self.values {
            Values::Memory(values) => {
                row.copy_from_slice(values.get(start..start.checked_add(row.len())?)?);
            }
            Values::Stored(file) => file.read(start, row).ok()?,
        }
        Some(())
    }
}
