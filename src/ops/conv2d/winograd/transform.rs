//! The transforms of Winograd's F(4×4, 3×3), on vectors of channels.
//!
//! Matrices from Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4.3.

use pulp::Simd;

/// A linear map of `I` to `O` values.
pub(super) trait Transform<const I: usize, const O: usize> {
    fn apply<S: Simd>(s: S, values: [S::f32s; I]) -> [S::f32s; O];
}

/// `Bᵀ d`: six values of the input.
pub(super) struct Input;

impl Transform<6, 6> for Input {
    #[inline(always)]
    fn apply<S: Simd>(s: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
        let four = s.splat_f32s(4.0);
        let minus_five = s.splat_f32s(-5.0);
        let minus_four = s.splat_f32s(-4.0);
        let two = s.splat_f32s(2.0);
        let even = s.mul_add_e_f32s(d[2], minus_four, d[4]);
        let odd = s.mul_add_e_f32s(d[1], minus_four, d[3]);
        let even2 = s.sub_f32s(d[4], d[2]);
        let odd2 = s.mul_f32s(two, s.sub_f32s(d[3], d[1]));
        [
            s.mul_add_e_f32s(d[0], four, s.mul_add_e_f32s(d[2], minus_five, d[4])),
            s.add_f32s(even, odd),
            s.sub_f32s(even, odd),
            s.add_f32s(even2, odd2),
            s.sub_f32s(even2, odd2),
            s.mul_add_e_f32s(d[1], four, s.mul_add_e_f32s(d[3], minus_five, d[5])),
        ]
    }
}

/// `G g`: three taps of the kernel.
pub(super) struct Kernel;

impl Transform<3, 6> for Kernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, g: [S::f32s; 3]) -> [S::f32s; 6] {
        let sixth = s.splat_f32s(1.0 / 6.0);
        let minus_sixth = s.splat_f32s(-1.0 / 6.0);
        let even = s.mul_f32s(s.add_f32s(g[0], g[2]), minus_sixth);
        let odd = s.mul_f32s(g[1], sixth);
        let even2 = s.mul_add_e_f32s(g[0], s.splat_f32s(1.0 / 24.0), s.mul_f32s(g[2], sixth));
        let odd2 = s.mul_f32s(g[1], s.splat_f32s(1.0 / 12.0));
        [
            s.mul_f32s(g[0], s.splat_f32s(0.25)),
            s.sub_f32s(even, odd),
            s.add_f32s(even, odd),
            s.add_f32s(even2, odd2),
            s.sub_f32s(even2, odd2),
            g[2],
        ]
    }
}

/// `Aᵀ m`: four values of the output.
pub(super) struct Output;

impl Transform<6, 4> for Output {
    #[inline(always)]
    fn apply<S: Simd>(s: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
        let sum = s.add_f32s(m[1], m[2]);
        let difference = s.sub_f32s(m[1], m[2]);
        let sum2 = s.add_f32s(m[3], m[4]);
        let difference2 = s.sub_f32s(m[3], m[4]);
        [
            s.add_f32s(s.add_f32s(m[0], sum), sum2),
            s.mul_add_e_f32s(difference2, s.splat_f32s(2.0), difference),
            s.mul_add_e_f32s(sum2, s.splat_f32s(4.0), sum),
            s.add_f32s(
                s.mul_add_e_f32s(difference2, s.splat_f32s(8.0), difference),
                m[5],
            ),
        ]
    }
}

/// `A y`: the transpose of [`output`].
pub(super) struct OutputGradient;

impl Transform<4, 6> for OutputGradient {
    #[inline(always)]
    fn apply<S: Simd>(s: S, y: [S::f32s; 4]) -> [S::f32s; 6] {
        let four = s.splat_f32s(4.0);
        let even = s.add_f32s(y[0], y[2]);
        let odd = s.add_f32s(y[1], y[3]);
        let even2 = s.mul_add_e_f32s(y[2], four, y[0]);
        let odd2 = s.mul_f32s(s.splat_f32s(2.0), s.mul_add_e_f32s(y[3], four, y[1]));
        [
            y[0],
            s.add_f32s(even, odd),
            s.sub_f32s(even, odd),
            s.add_f32s(even2, odd2),
            s.sub_f32s(even2, odd2),
            y[3],
        ]
    }
}

/// `Gᵀ u`: the transpose of [`kernel`].
pub(super) struct KernelGradient;

impl Transform<6, 3> for KernelGradient {
    #[inline(always)]
    fn apply<S: Simd>(s: S, u: [S::f32s; 6]) -> [S::f32s; 3] {
        let sixth = s.splat_f32s(1.0 / 6.0);
        let minus_sixth = s.splat_f32s(-1.0 / 6.0);
        let sum = s.mul_f32s(s.add_f32s(u[1], u[2]), minus_sixth);
        let sum2 = s.add_f32s(u[3], u[4]);
        [
            s.mul_add_e_f32s(
                u[0],
                s.splat_f32s(0.25),
                s.mul_add_e_f32s(sum2, s.splat_f32s(1.0 / 24.0), sum),
            ),
            s.mul_add_e_f32s(
                s.sub_f32s(u[3], u[4]),
                s.splat_f32s(1.0 / 12.0),
                s.mul_f32s(s.sub_f32s(u[2], u[1]), sixth),
            ),
            s.add_f32s(s.mul_add_e_f32s(sum2, sixth, sum), u[5]),
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
    let mut half = [[zero; I]; O];
    for column in 0..I {
        let mut line = [zero; I];
        for row in 0..I {
            line[row] = from.load(simd, row, column);
        }
        let line = T::apply(simd, line);
        for row in 0..O {
            half[row][column] = line[row];
        }
    }
    for row in 0..O {
        let line = T::apply(simd, half[row]);
        for column in 0..O {
            to.store(simd, row, column, line[column]);
        }
    }
}
