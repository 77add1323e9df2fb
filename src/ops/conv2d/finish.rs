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

/// The steps of a [`Finish`] that are the same for all sums of some channels.
#[derive(Clone, Copy)]
pub(in crate::ops) struct OfChannels<V> {
    bias: Option<V>,
    scale: Option<V>,
    shift: Option<V>,
}

impl<V: Copy> OfChannels<V> {
    /// Of a vector of sums of these channels.
    #[inline(always)]
    pub fn apply<S: Simd<f32s = V>>(&self, simd: S, mut sums: V) -> V {
        if let Some(bias) = self.bias {
            sums = simd.add_f32s(sums, bias);
        }
        if let Some(scale) = self.scale {
            sums = simd.mul_f32s(sums, scale);
        }
        if let Some(shift) = self.shift {
            sums = simd.add_f32s(sums, shift);
        }
        sums
    }
}

impl Finish<'_> {
    /// The first steps for the vector of channels from `channel` on.
    #[inline(always)]
    pub fn of_channels<S: Simd>(&self, channel: usize) -> OfChannels<S::f32s> {
        OfChannels {
            bias: self.bias.map(|bias| load::<S>(bias, channel)),
            scale: self.scale.map(|scale| load::<S>(scale, channel)),
            shift: self.shift.map(|shift| load::<S>(shift, channel)),
        }
    }

    /// What comes after [`OfChannels::apply`] for the output values from `at` on; all but [`Finish::function`].
    #[inline(always)]
    pub fn rest<S: Simd>(&self, simd: S, mut sums: S::f32s, at: usize) -> S::f32s {
        if let Some(add) = self.add {
            sums = simd.add_f32s(sums, load::<S>(add, at));
        }
        if self.relu { relu(simd, sums) } else { sums }
    }

    /// All steps but [`Finish::function`] of `V` vectors of each of `R` rows; those of the output lie `stride` values
    /// apart, and beyond the first `rows` there are none.
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
        for v in 0..V {
            let of_channels = self.of_channels::<S>(channel + v * S::F32_LANES);
            for r in 0..R {
                sums[r][v] = of_channels.apply(simd, sums[r][v]);
            }
        }
        for r in 0..R {
            if r < rows {
                for v in 0..V {
                    let at = at + r * stride + v * S::F32_LANES;
                    sums[r][v] = self.rest(simd, sums[r][v], at);
                }
            }
        }
        sums
    }

    /// As [`Finish::block`], of a row of sums, of the channels from `channel` on and for the output values from `at` on.
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
