//! What happens to sums before they are stored.

use pulp::Simd;
use rayon::prelude::*;

use crate::ops::activation::Function;
use crate::ops::cpu::{CHUNK, MIN_CHUNKS};
use crate::ops::simd::{load, relu};

/// What happens to a sum before it is stored: `function((sum + bias) * scale + shift + add)`, each step as the operation
/// on its own would do it, so that the bits are the same.
#[derive(Clone, Copy, Default)]
pub(in crate::ops) struct Finish<'a> {
    /// Added to each channel.
    pub bias: Option<&'a [f32]>,
    /// Multiplied with each channel.
    pub scale: Option<&'a [f32]>,
    /// Added to each channel.
    pub shift: Option<&'a [f32]>,
    /// Added to each value; as long as the output.
    pub add: Option<&'a [f32]>,
    pub relu: bool,
    /// Applied in the place of ReLU.
    pub function: Option<Function>,
}

impl Finish<'_> {
    /// Of a vector of sums, of the channels from `channel` on and for the output values from `at` on; all but
    /// [`Finish::function`].
    #[inline(always)]
    pub fn vector<S: Simd>(&self, simd: S, sums: S::f32s, channel: usize, at: usize) -> S::f32s {
        let mut y = sums;
        if let Some(bias) = self.bias {
            y = simd.add_f32s(y, load::<S>(bias, channel));
        }
        if let Some(scale) = self.scale {
            y = simd.mul_f32s(y, load::<S>(scale, channel));
        }
        if let Some(shift) = self.shift {
            y = simd.add_f32s(y, load::<S>(shift, channel));
        }
        if let Some(add) = self.add {
            y = simd.add_f32s(y, load::<S>(add, at));
        }
        if self.relu { relu(simd, y) } else { y }
    }

    /// As [`Finish::vector`], of `V` vectors of each of `R` rows; those of the output lie `stride` values apart, and
    /// beyond the first `rows` there are none.
    ///
    /// One thing after another for all sums: they stay in registers only where loops over them are short.
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "iterators' closures may not be unrolled"
    )]
    pub fn block<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        mut sums: [[S::f32s; V]; R],
        channel: usize,
        (at, stride, rows): (usize, usize, usize),
    ) -> [[S::f32s; V]; R] {
        if let Some(bias) = self.bias {
            for v in 0..V {
                let bias = load::<S>(bias, channel + v * S::F32_LANES);
                for r in 0..R {
                    sums[r][v] = simd.add_f32s(sums[r][v], bias);
                }
            }
        }
        if let Some(scale) = self.scale {
            for v in 0..V {
                let scale = load::<S>(scale, channel + v * S::F32_LANES);
                for r in 0..R {
                    sums[r][v] = simd.mul_f32s(sums[r][v], scale);
                }
            }
        }
        if let Some(shift) = self.shift {
            for v in 0..V {
                let shift = load::<S>(shift, channel + v * S::F32_LANES);
                for r in 0..R {
                    sums[r][v] = simd.add_f32s(sums[r][v], shift);
                }
            }
        }
        if let Some(add) = self.add {
            for r in 0..R {
                if r < rows {
                    for v in 0..V {
                        let add = load::<S>(add, at + r * stride + v * S::F32_LANES);
                        sums[r][v] = simd.add_f32s(sums[r][v], add);
                    }
                }
            }
        }
        if self.relu {
            for r in 0..R {
                for v in 0..V {
                    sums[r][v] = relu(simd, sums[r][v]);
                }
            }
        }
        sums
    }

    /// As [`Finish::vector`], of a row of sums.
    #[inline(always)]
    pub fn row(&self, sums: &mut [f32], channel: usize, at: usize) {
        let n = sums.len();
        if let Some(bias) = self.bias {
            let bias = &bias[channel..][..n];
            sums.iter_mut().zip(bias).for_each(|(s, v)| *s += v);
        }
        if let Some(scale) = self.scale {
            let scale = &scale[channel..][..n];
            sums.iter_mut().zip(scale).for_each(|(s, v)| *s *= v);
        }
        if let Some(shift) = self.shift {
            let shift = &shift[channel..][..n];
            sums.iter_mut().zip(shift).for_each(|(s, v)| *s += v);
        }
        if let Some(add) = self.add {
            let add = &add[at..][..n];
            sums.iter_mut().zip(add).for_each(|(s, v)| *s += v);
        }
        if self.relu {
            // Written so that NaN stays NaN.
            sums.iter_mut()
                .for_each(|s| *s = if *s < 0.0 { 0.0 } else { *s });
        }
    }

    /// As [`Finish::apply_function`], in parallel.
    pub fn apply_function_to_all(&self, values: &mut [f32]) {
        if self.function.is_some() {
            values
                .par_chunks_mut(CHUNK)
                .with_min_len(MIN_CHUNKS)
                .for_each(|values| self.apply_function(values));
        }
    }

    /// Applies [`Finish::function`] to finished sums.
    pub fn apply_function(&self, values: &mut [f32]) {
        if let Some(function) = self.function {
            function.apply(values);
        }
    }
}
