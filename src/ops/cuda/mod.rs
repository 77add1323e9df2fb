//! The operations on an NVIDIA GPU: convolutions by cuDNN, products by cuBLAS, the rest by kernels of our own
//! (`kernels/`). They take f32 and bf16 values, and sum in f32; weights, statistics and losses are f32.
//!
//! Each gives an untracked tensor and notes its way back on a [`super::tape`]. The order of all sums follows from the sizes
//! alone, so that a GPU gives the same bytes again.

mod attention;
mod batch_norm;
mod capture;
mod columns;
mod convolution;
mod elementwise;
mod finish;
mod gpu;
mod grid;
mod layer_norm;
mod loss;
mod optimizer;
mod pixels;
mod plan;
mod pool;
mod product;
mod random;
mod shape;
mod sum;

#[cfg(test)]
mod tests;

pub use attention::attention;
pub use batch_norm::{batch_norm, batch_norm_inference, move_towards};
pub use capture::{Captured, Numbers};
pub use convolution::conv2d;
pub use elementwise::{activation, add, scale, softmax, tanh, to_dtype};
pub use gpu::{gpu_memory, open_gpu};
pub use layer_norm::layer_norm;
pub use loss::cross_entropy;
pub use optimizer::{Step, optimizer_step};
pub use pixels::Pixels;
pub use pool::{average_pool2d, global_average_pool, max_pool2d};
pub use product::{allow_tf32, dense};
pub use random::{drop_path, dropout};
pub use shape::{concat, embed};
pub use sum::sum_of_two;
