//! The transforms of Winograd's F(4×4, 3×3), on vectors of channels.
//!
//! The polynomials are taken at 0, ±[`A`], ±[`B`] and infinity. The usual points, 0, ±1, ±2 (Lavin and Gray, "Fast
//! Algorithms for Convolutional Neural Networks", 2015, section 4.3), round four times as much: on 256 channels the
//! largest error is 9e-6 of the largest value with those, 2e-6 with these, and 1e-6 for the sums of the definition.
//! How the points are chosen: Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution
//! for Deep Neural Networks" (2020).

use std::mem::MaybeUninit;

use pulp::Simd;

/// The points; they and their products below are exact in f32.
const A: f32 = 0.625;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
/// `1 / N` for the points ±A, ±B and 0, `N` being the product of the differences to the other points.
const NA: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const NB: f32 = 1.0 / (2.0 * B2 * (B2 - A2));
const N0: f32 = 1.0 / (A2 * B2);

/// A linear map of `I` to `O` values.
pub(super) trait Transform<const I: usize, const O: usize> {
    fn apply<S: Simd>(s: S, values: [S::f32s; I]) -> [S::f32s; O];
}

/// `x + y * factor`
#[inline(always)]
fn add<S: Simd>(s: S, x: S::f32s, y: S::f32s, factor: f32) -> S::f32s {
    s.mul_add_e_f32s(y, s.splat_f32s(factor), x)
}

#[inline(always)]
fn times<S: Simd>(s: S, x: S::f32s, factor: f32) -> S::f32s {
    s.mul_f32s(x, s.splat_f32s(factor))
}

/// `Bᵀ d`: six values of the input.
pub(super) struct Input;

impl Transform<6, 6> for Input {
    #[inline(always)]
    fn apply<S: Simd>(s: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
        let even_a = add(s, d[4], d[2], -B2);
        let odd_a = times(s, add(s, d[3], d[1], -B2), A);
        let even_b = add(s, d[4], d[2], -A2);
        let odd_b = times(s, add(s, d[3], d[1], -A2), B);
        [
            add(s, add(s, d[4], d[2], -(A2 + B2)), d[0], A2 * B2),
            s.add_f32s(even_a, odd_a),
            s.sub_f32s(even_a, odd_a),
            s.add_f32s(even_b, odd_b),
            s.sub_f32s(even_b, odd_b),
            add(s, add(s, d[5], d[3], -(A2 + B2)), d[1], A2 * B2),
        ]
    }
}

/// `G g`: three taps of the kernel.
pub(super) struct Kernel;

impl Transform<3, 6> for Kernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, g: [S::f32s; 3]) -> [S::f32s; 6] {
        let even_a = add(s, times(s, g[0], NA), g[2], NA * A2);
        let odd_a = times(s, g[1], NA * A);
        let even_b = add(s, times(s, g[0], NB), g[2], NB * B2);
        let odd_b = times(s, g[1], NB * B);
        [
            times(s, g[0], N0),
            s.add_f32s(even_a, odd_a),
            s.sub_f32s(even_a, odd_a),
            s.add_f32s(even_b, odd_b),
            s.sub_f32s(even_b, odd_b),
            g[2],
        ]
    }
}

/// `Aᵀ m`: four values of the output.
pub(super) struct Output;

impl Transform<6, 4> for Output {
    #[inline(always)]
    fn apply<S: Simd>(s: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
        let sum_a = s.add_f32s(m[1], m[2]);
        let difference_a = s.sub_f32s(m[1], m[2]);
        let sum_b = s.add_f32s(m[3], m[4]);
        let difference_b = s.sub_f32s(m[3], m[4]);
        let cubes = add(s, m[5], difference_a, A * A2);
        [
            s.add_f32s(m[0], s.add_f32s(sum_a, sum_b)),
            add(s, times(s, difference_a, A), difference_b, B),
            add(s, times(s, sum_a, A2), sum_b, B2),
            add(s, cubes, difference_b, B * B2),
        ]
    }
}

/// `A y`: the transpose of [`Output`].
pub(super) struct OutputGradient;

impl Transform<4, 6> for OutputGradient {
    #[inline(always)]
    fn apply<S: Simd>(s: S, y: [S::f32s; 4]) -> [S::f32s; 6] {
        let even_a = add(s, y[0], y[2], A2);
        let odd_a = add(s, times(s, y[1], A), y[3], A * A2);
        let even_b = add(s, y[0], y[2], B2);
        let odd_b = add(s, times(s, y[1], B), y[3], B * B2);
        [
            y[0],
            s.add_f32s(even_a, odd_a),
            s.sub_f32s(even_a, odd_a),
            s.add_f32s(even_b, odd_b),
            s.sub_f32s(even_b, odd_b),
            y[3],
        ]
    }
}

/// `Gᵀ u`: the transpose of [`Kernel`].
pub(super) struct KernelGradient;

impl Transform<6, 3> for KernelGradient {
    #[inline(always)]
    fn apply<S: Simd>(s: S, u: [S::f32s; 6]) -> [S::f32s; 3] {
        let sum_a = s.add_f32s(u[1], u[2]);
        let difference_a = s.sub_f32s(u[1], u[2]);
        let sum_b = s.add_f32s(u[3], u[4]);
        let difference_b = s.sub_f32s(u[3], u[4]);
        [
            add(s, add(s, times(s, u[0], N0), sum_a, NA), sum_b, NB),
            add(s, times(s, difference_a, NA * A), difference_b, NB * B),
            add(s, add(s, u[5], sum_a, NA * A2), sum_b, NB * B2),
        ]
    }
}

/// Where a transform takes the values of a square from.
pub(super) trait Source<S: Simd> {
    fn load(&self, simd: S, row: usize, column: usize) -> S::f32s;
}

/// Where a transform puts the values of a square.
pub(super) trait Sink<S: Simd> {
    fn store(&mut self, simd: S, row: usize, column: usize, value: S::f32s);
}

/// A transform along both sides of a square.
#[inline(always)]
pub(super) fn both_ways<S: Simd, T: Transform<I, O>, const I: usize, const O: usize>(
    simd: S,
    from: &impl Source<S>,
    to: &mut impl Sink<S>,
) {
    let zero = simd.splat_f32s(0.0);
    // Not set to zero first: the compiler would call `memset` for that.
    let mut half = [[MaybeUninit::<S::f32s>::uninit(); I]; O];
    for column in 0..I {
        let mut line = [zero; I];
        for row in 0..I {
            line[row] = from.load(simd, row, column);
        }
        let line = T::apply(simd, line);
        for row in 0..O {
            half[row][column].write(line[row]);
        }
    }
    for row in 0..O {
        let mut line = [zero; I];
        for column in 0..I {
            // SAFETY: the loop above has written every row of every column.
            line[column] = unsafe { half[row][column].assume_init() };
        }
        let line = T::apply(simd, line);
        for column in 0..O {
            to.store(simd, row, column, line[column]);
        }
    }
}
