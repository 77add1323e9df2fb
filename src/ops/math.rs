//! Functions of one value that loops over them can be compiled for vectors with; standard ones are calls.

/// `exp(x)`, off by less than 3e-7 of its value; NaN stays NaN. Below -87 and above 88 that of -87 and 88.
///
/// `2^n * e^r` with `n` the nearest integer to `x / ln 2`, and the polynomial of the Cephes library's `expf` for `e^r`.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    /// Beside it values are integers.
    const SHIFT: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few bits, so that its product with n is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    const POLYNOMIAL: [f32; 6] = [
        1.987_569_2e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_6e-1,
        5e-1,
    ];
    let x = clamp(x, -87.0, 88.0);
    // To the nearest integer, which lies in the last bits of the sum: a conversion would be checked.
    let shifted = x * LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let tail = POLYNOMIAL[1..]
        .iter()
        .fold(POLYNOMIAL[0], |sum, c| sum * r + c);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()));
    (tail * r * r + r + 1.0) * power
}

/// `1 / (1 + exp(-x))`
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The error function, off by less than 5e-7; NaN stays NaN.
///
/// The rational function of Eigen's `generic_fast_erf_float` (`Eigen/src/Core/MathFunctionsImpl.h`).
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [
        -1.456_607_2e-5,
        -2.133_740_6e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ];
    let x = clamp(x, -4.0, 4.0);
    let square = x * x;
    let above = ABOVE[1..].iter().fold(ABOVE[0], |sum, c| sum * square + c);
    let below = BELOW[1..].iter().fold(BELOW[0], |sum, c| sum * square + c);
    x * above / below
}

/// `x` within bounds; unlike [`f32::clamp`], compiled to a vector's minimum and maximum with NaN kept.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its Taylor series in f64, exact enough up to 4.
    fn series(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn functions_are_as_close_as_they_say() {
        for i in -40_000..40_000 {
            let x = i as f32 / 10_000.0;
            let erf_off = f64::from(erf(x)) - series(f64::from(x));
            assert!(erf_off.abs() < 5e-7, "erf({x}) is off by {erf_off}");
            let wide = x * 21.0;
            let wanted = f64::from(wide).exp();
            let off = f64::from(exp(wide)) / wanted - 1.0;
            assert!(off.abs() < 3e-7, "exp({wide}) is off by {off}");
        }
        assert!(exp(f32::NAN).is_nan() && erf(f32::NAN).is_nan());
        assert!(sigmoid(-1000.0) < 1e-38);
        assert_eq!(sigmoid(1000.0), 1.0);
    }
}
