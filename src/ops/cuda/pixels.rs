//! Images as bytes on the GPU, and the network's input from them.

use candle_core::{DType, Result, Tensor};

use super::gpu::{Gpu, Grid, gpu_memory, launch};

/// The part of a GPU's free memory that images may take.
const SHARE: u64 = 2;

/// All images of a part of a dataset, on a GPU.
pub struct Pixels {
    /// `[images, bytes of an image]`
    bytes: Tensor,
    /// For each of the three channels its value of every byte, `[3, 256]`.
    tables: Tensor,
    /// Channels of an image: 1 or 3.
    channels: usize,
    /// Which of them each of the input's three channels is.
    sources: [usize; 3],
}

impl Pixels {
    /// Whether so many bytes may be kept on this thread's GPU.
    ///
    /// # Errors
    /// What the GPU reports.
    pub fn fit(bytes: u64) -> Result<bool> {
        Ok(bytes <= gpu_memory()?.0 / SHARE)
    }

    /// Takes images as bytes, `[images, bytes of an image]` on a GPU, with the tables and channels to read them by.
    ///
    /// # Errors
    /// What the GPU reports.
    pub fn new(
        bytes: Tensor,
        tables: &[[f32; 256]; 3],
        channels: usize,
        sources: [usize; 3],
    ) -> Result<Self> {
        let tables = Tensor::new(tables.as_flattened(), bytes.device())?;
        Ok(Pixels {
            bytes,
            tables,
            channels,
            sources,
        })
    }

    /// The images with these indices as f32 `[n, side, side, 3]`.
    ///
    /// # Errors
    /// What the GPU reports.
    pub fn batch(&self, indices: &[u32], (height, width): (usize, usize)) -> Result<Tensor> {
        let gpu = Gpu::of(&self.bytes)?;
        let rows = Tensor::new(indices, self.bytes.device())?;
        let y = gpu.uninitialized(&[indices.len(), height, width, 3], DType::F32)?;
        let pixels = indices.len() * height * width;
        let [a, b, c] = self.sources;
        launch!(
            gpu,
            "look_up",
            None,
            Grid::values(pixels),
            &self.bytes,
            &rows,
            &self.tables,
            &y,
            pixels,
            height * width,
            self.channels,
            a,
            b,
            c
        );
        Ok(y)
    }
}
