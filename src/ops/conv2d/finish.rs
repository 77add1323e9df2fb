//! What happens to sums before they are stored.

use std::ops::Range;

use pulp::Simd;
use rayon::prelude::*;

use crate::ops::activation::Function;
use crate::ops::cpu::{CHUNK, MIN_CHUNKS, Shared};
use crate::ops::simd::{load, load_some, relu};

/// The columns of a result that lies beside others in the rows of a wider one.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Columns {
    first: usize,
    /// Of the wider one.
    width: usize,
}

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
    /// Added to each value; as long as the output, which does not lie beside others then.
    pub add: Option<&'a [f32]>,
    pub function: Option<Function>,
    /// Where it is stored, if not alone.
    pub columns: Option<Columns>,
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

/// NaN stays NaN.
#[inline(always)]
fn at_most_six<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let six = simd.splat_f32s(6.0);
    simd.select_f32s(simd.less_than_f32s(six, x), six, x)
}

/// Steps of a [`Finish`] that loops are compiled for.
const BIAS: u8 = 1;
/// Scale and shift.
const NORMALIZED: u8 = 2;
const ADD: u8 = 4;
const RELU: u8 = 8;
const SIX: u8 = 16;
/// None of these.
const OTHERS: u8 = 128;

/// Where the sums of some output positions and channels belong.
pub(in crate::ops) struct Block {
    pub channels: Range<usize>,
    /// Where the first value lies.
    pub at: usize,
    /// Values from a row to the next.
    pub stride: usize,
    /// How many rows there are.
    pub rows: usize,
}

impl Finish<'_> {
    /// The same, for columns of a wider output from `first` on.
    pub fn in_columns(self, first: usize, width: usize) -> Self {
        let columns = Some(Columns { first, width });
        Finish { columns, ..self }
    }

    /// Where a channel of a row of the output lies, of which there are `cout`.
    #[inline(always)]
    pub fn at(&self, row: usize, channel: usize, cout: usize) -> usize {
        let first = self.columns.map_or(0, |columns| columns.first);
        row * self.width(cout) + first + channel
    }

    /// Values from a row of the output to the next.
    #[inline(always)]
    pub fn width(&self, cout: usize) -> usize {
        self.columns.map_or(cout, |columns| columns.width)
    }

    /// The first steps for the vector of channels from `channel` on, of which `count` are there.
    #[inline(always)]
    pub fn of_channels<S: Simd>(
        &self,
        simd: S,
        channel: usize,
        count: usize,
    ) -> OfChannels<S::f32s> {
        OfChannels {
            bias: self.bias.map(|bias| load_some(simd, bias, channel, count)),
            scale: self
                .scale
                .map(|scale| load_some(simd, scale, channel, count)),
            shift: self
                .shift
                .map(|shift| load_some(simd, shift, channel, count)),
        }
    }

    /// What comes after [`OfChannels::apply`] for the output values from `at` on, of which `count` are there; all
    /// but [`Finish::later`].
    #[inline(always)]
    pub fn rest<S: Simd>(&self, simd: S, mut sums: S::f32s, at: usize, count: usize) -> S::f32s {
        if let Some(add) = self.add {
            sums = simd.add_f32s(sums, load_some(simd, add, at, count));
        }
        match self.function {
            Some(Function::Relu) => relu(simd, sums),
            Some(Function::Relu6) => {
                let positive = relu(simd, sums);
                at_most_six(simd, positive)
            }
            _ => sums,
        }
    }

    /// Puts all steps but [`Finish::later`] of `V` vectors of each of the first rows into their places.
    ///
    /// The sums are copied first: they would else be stored with each term that the caller adds.
    ///
    /// # Safety
    /// No other task may touch these values of `out` at the same time.
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "iterators' closures may not be unrolled"
    )]
    pub unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        sums: [[S::f32s; V]; R],
        to: &Block,
        out: &Shared<'_>,
    ) {
        let mut copied = [[simd.splat_f32s(0.0); V]; R];
        for r in 0..R {
            for v in 0..V {
                copied[r][v] = sums[r][v];
            }
        }
        let sums = &copied;
        let is_whole = to.rows >= R && to.channels.len() >= V * S::F32_LANES;
        let steps = if is_whole { self.steps() } else { OTHERS };
        macro_rules! of_known_steps {
            ($($known:expr),+) => {
                match steps {
                    // SAFETY: by this function's contract; these are the steps.
                    $(known if known == $known => unsafe {
                        self.whole_block::<S, R, V, { $known }>(simd, sums, to, out);
                    },)+
                    // SAFETY: by this function's contract.
                    _ => unsafe { self.any_block(simd, sums, to, out) },
                }
            };
        }
        of_known_steps!(
            NORMALIZED,
            NORMALIZED | RELU,
            NORMALIZED | SIX,
            NORMALIZED | ADD,
            NORMALIZED | ADD | RELU,
            BIAS,
            BIAS | RELU,
            BIAS | ADD
        );
    }

    /// Which steps but [`Finish::later`] there are.
    #[inline(always)]
    fn steps(&self) -> u8 {
        let normalized = match (self.scale, self.shift) {
            (None, None) => 0,
            (Some(_), Some(_)) => NORMALIZED,
            _ => OTHERS,
        };
        let function = match self.function {
            Some(Function::Relu) => RELU,
            Some(Function::Relu6) => SIX,
            _ => 0,
        };
        let bias = if self.bias.is_some() { BIAS } else { 0 };
        let add = if self.add.is_some() { ADD } else { 0 };
        bias | normalized | add | function
    }

    /// As [`Finish::block`] where all is there, for steps that are known where this is compiled.
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "iterators' closures may not be unrolled"
    )]
    unsafe fn whole_block<S: Simd, const R: usize, const V: usize, const STEPS: u8>(
        &self,
        simd: S,
        sums: &[[S::f32s; V]; R],
        to: &Block,
        out: &Shared<'_>,
    ) {
        let lanes = S::F32_LANES;
        for v in 0..V {
            let channel = to.channels.start + v * lanes;
            let zero = simd.splat_f32s(0.0);
            let (mut bias, mut scale, mut shift) = (zero, zero, zero);
            if STEPS & BIAS != 0 {
                bias = load::<S>(self.bias.unwrap_or_default(), channel);
            }
            if STEPS & NORMALIZED != 0 {
                scale = load::<S>(self.scale.unwrap_or_default(), channel);
                shift = load::<S>(self.shift.unwrap_or_default(), channel);
            }
            for r in 0..R {
                let at = to.at + r * to.stride + v * lanes;
                let mut sum = sums[r][v];
                if STEPS & BIAS != 0 {
                    sum = simd.add_f32s(sum, bias);
                }
                if STEPS & NORMALIZED != 0 {
                    sum = simd.add_f32s(simd.mul_f32s(sum, scale), shift);
                }
                if STEPS & ADD != 0 {
                    sum = simd.add_f32s(sum, load::<S>(self.add.unwrap_or_default(), at));
                }
                if STEPS & (RELU | SIX) != 0 {
                    sum = relu(simd, sum);
                }
                if STEPS & SIX != 0 {
                    sum = at_most_six(simd, sum);
                }
                // SAFETY: by this function's contract; vectors are of f32 values.
                unsafe { out.write_vector(at, sum) };
            }
        }
    }

    /// As [`Finish::block`] for any steps, where perhaps only some of the rows or channels are there.
    #[inline(always)]
    unsafe fn any_block<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        sums: &[[S::f32s; V]; R],
        to: &Block,
        out: &Shared<'_>,
    ) {
        let lanes = S::F32_LANES;
        for (r, sums) in sums.iter().take(to.rows).enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                let count = lanes.min(to.channels.len() - v * lanes);
                let of_channels = self.of_channels(simd, to.channels.start + v * lanes, count);
                let at = to.at + r * to.stride + v * lanes;
                let sum = self.rest(simd, of_channels.apply(simd, *sum), at, count);
                // SAFETY: by this function's contract.
                simd.partial_store_f32s(unsafe { out.slice(at..at + count) }, sum);
            }
        }
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
        match self.function {
            Some(Function::Relu) => sums.iter_mut().for_each(|s| *s = Function::Relu.value(*s)),
            Some(Function::Relu6) => Function::Relu6.apply(sums),
            _ => {}
        }
    }

    /// The function, where it is not applied with the other steps.
    pub fn later(&self) -> Option<Function> {
        self.function
            .filter(|function| !matches!(function, Function::Relu | Function::Relu6))
    }

    /// As [`Finish::apply_function`], in parallel.
    pub fn apply_function_to_all(&self, values: &mut [f32]) {
        if self.later().is_some() {
            values
                .par_chunks_mut(CHUNK)
                .with_min_len(MIN_CHUNKS)
                .for_each(|values| self.apply_function(values));
        }
    }

    /// Applies [`Finish::later`] to finished sums.
    pub fn apply_function(&self, values: &mut [f32]) {
        if let Some(function) = self.later() {
            function.apply(values);
        }
    }
}
