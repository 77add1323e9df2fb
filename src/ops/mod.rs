//! Differentiable operations candle lacks or has slow or wrong; shapes are `[batch, height, width, channels]`.
//!
//! On the CPU they run our kernels, whose bytes do not depend on the number of threads; on an NVIDIA GPU they run cuDNN,
//! cuBLAS and our kernels (`cuda/`), which take bf16 too. Both note their way back on a [`tape`]. On other devices they are
//! compositions of candle's own differentiable operations. All take and give f32.

mod activation;
mod allocator;
mod attention;
mod batch_norm;
mod concat;
mod conv2d;
mod cpu;
mod cross_entropy;
#[cfg(feature = "cuda")]
mod cuda;
mod dense;
mod dropout;
mod layer_norm;
mod lerp;
mod math;
mod matrix;
mod pool;
mod products;
mod read;
pub mod resample;
mod scale;
mod scratch;
mod shape;
mod simd;
mod tape;

#[cfg(test)]
mod testing;

pub use activation::{Function, activation, softmax, tanh};
pub use allocator::{give_back_freed_memory, keep_freed_memory};
pub use attention::{attention, attention_weights, scratch as attention_scratch};
pub use batch_norm::{
    BatchNorm, batch_norm, batch_norm_inference, batch_norm_inference_then, batch_norm_then,
    move_towards, scale_and_shift,
};
pub use concat::concat;
pub use conv2d::{
    Conv2dConfig, Epilogue, Finished, Padding, are_bands_worth, conv2d, conv2d_banded,
    conv2d_beside, conv2d_finished, dense_finished, dense_scratch, scratch as conv2d_scratch,
};
pub use cpu::WORTH_A_THREAD;
pub use cross_entropy::{blend, sigmoid_cross_entropy, softmax_cross_entropy, weighted_mean};
#[cfg(feature = "cuda")]
pub use cuda::{
    Captured, Numbers, Pixels, Step as OptimizerStep, allow_tf32, gpu_memory, open_gpu,
    optimizer_step,
};
pub use dense::dense;
pub use dropout::{drop_path, dropout};
pub use layer_norm::layer_norm;
pub use lerp::lerp;
pub(crate) use math::exp;
pub use pool::{Pool2dConfig, average_pool2d, global_average_pool, max_pool2d};
pub use products::Products;
pub(crate) use read::read;
pub use scale::scale;
pub use scratch::{Passes, Scratch};
pub use shape::{add, embed, first_token, reshape, to_dtype};
pub(crate) use simd::{dispatch, load, store, vectorized};
pub use tape::{Recording, backward, backward_from, is_wanted};
