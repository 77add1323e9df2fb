//! How a kernel's work is laid out.

use candle_core::{Result, bail};
use cudarc::driver::LaunchConfig;

/// Threads of a block where the values are independent of one another.
const THREADS: usize = 256;

/// How many blocks of how many threads a kernel runs in.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    blocks: (usize, usize, usize),
    threads: (usize, usize),
}

impl Grid {
    /// For so many independent values, some of each thread.
    pub fn values(count: usize) -> Self {
        // Enough to fill any GPU several times; the kernels go on a grid further.
        const MOST: usize = 4096;
        Grid {
            blocks: (count.div_ceil(THREADS).clamp(1, MOST), 1, 1),
            threads: (THREADS, 1),
        }
    }

    /// For so many rows, a warp each.
    pub fn rows(count: usize) -> Self {
        Grid {
            blocks: (count.div_ceil(8), 1, 1),
            threads: (32, 8),
        }
    }

    /// Blocks of `threads` (x and y).
    pub fn blocks(blocks: (usize, usize, usize), threads: (usize, usize)) -> Self {
        Grid { blocks, threads }
    }

    /// As the driver wants it.
    ///
    /// # Errors
    /// More blocks than a GPU takes.
    pub fn config(self) -> Result<LaunchConfig> {
        let (x, y, z) = self.blocks;
        if y > 65_535 || z > 65_535 || x >= 1 << 31 {
            bail!("{self:?} are more blocks than a GPU takes");
        }
        Ok(LaunchConfig {
            grid_dim: (x as u32, y as u32, z as u32),
            block_dim: (self.threads.0 as u32, self.threads.1 as u32, 1),
            shared_mem_bytes: 0,
        })
    }
}
