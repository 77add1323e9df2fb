//! SIMD chosen at run time: AVX-512, AVX2, NEON or plain, by the `pulp` crate.

use pulp::{Arch, Simd, WithSimd};

/// A multiple of the lanes of every SIMD, in f32 values.
pub(super) const LANES: usize = 16;

/// Runs `kernel` with the widest vectors this processor has.
///
/// Whatever it calls must be inlined (`#[inline(always)]`, no closures handed over) to be compiled for them.
pub(crate) fn dispatch<K: WithSimd>(kernel: K) -> K::Output {
    Arch::new().dispatch(kernel)
}

/// Values of this processor's vectors.
pub(super) fn lanes() -> usize {
    struct Lanes;

    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }

    dispatch(Lanes)
}

/// Runs plain loops compiled for the widest vectors this processor has, if the closure is inlined
/// (`#[inline(always)]`).
#[inline(always)]
pub(crate) fn vectorized<T>(loops: impl FnOnce() -> T) -> T {
    Arch::new().dispatch(loops)
}

/// For each place of a row an expression of what the inputs, which are named, have there; all are as long. The loop is compiled to
/// vectors inside of [`vectorized`]: nothing that it reads is looked up again behind what it writes.
macro_rules! map_row {
    ($out:expr, [$($input:ident),+] => $value:expr) => {{
        let out: &mut [f32] = $out;
        let n = out.len();
        $(let $input: &[f32] = &$input[..n];)+
        for i in 0..n {
            out[i] = {
                $(let $input = $input[i];)+
                $value
            };
        }
    }};
}
pub(super) use map_row;

/// Values of a row that are put together side by side, in loops that compile to vectors.
const SIDE_BY_SIDE: usize = 16;

/// All values of a row put together by `f`, in any order; `start` changes nothing.
#[inline(always)]
pub(super) fn fold(row: &[f32], start: f32, f: impl Fn(f32, f32) -> f32) -> f32 {
    let (blocks, rest) = row.as_chunks::<SIDE_BY_SIDE>();
    let mut lanes = [start; SIDE_BY_SIDE];
    for block in blocks {
        for i in 0..SIDE_BY_SIDE {
            lanes[i] = f(lanes[i], block[i]);
        }
    }
    let of_blocks = lanes.iter().fold(start, |all, lane| f(all, *lane));
    rest.iter().fold(of_blocks, |all, v| f(all, *v))
}

/// The sum of `f` of the values at each place of two rows.
#[inline(always)]
pub(super) fn sum_of_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<SIDE_BY_SIDE>(), b.as_chunks::<SIDE_BY_SIDE>());
    let mut lanes = [0f32; SIDE_BY_SIDE];
    for (a, b) in a.iter().zip(b) {
        for i in 0..SIDE_BY_SIDE {
            lanes[i] += f(a[i], b[i]);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| f(*a, *b));
    lanes.iter().sum::<f32>() + rest.sum::<f32>()
}

/// The vector of values from `at` on.
#[inline(always)]
pub(crate) fn load<S: Simd>(values: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&values[at..at + S::F32_LANES]).0[0]
}

/// The vector of values from `at` on, with zeros behind the first `count`.
#[inline(always)]
pub(super) fn load_some<S: Simd>(simd: S, values: &[f32], at: usize, count: usize) -> S::f32s {
    match count >= S::F32_LANES {
        true => load::<S>(values, at),
        false => simd.partial_load_f32s(&values[at..at + count]),
    }
}

/// Puts a vector at the values from `at` on.
#[inline(always)]
pub(crate) fn store<S: Simd>(values: &mut [f32], at: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut values[at..at + S::F32_LANES]).0[0] = vector;
}

/// Asks for the value at `at` to be brought near, for use soon; a hint, which may also lie outside.
#[inline(always)]
pub(super) fn prefetch(values: &[f32], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that could be seen and never faults; SSE is there on every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(values.as_ptr().wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}

/// ReLU; NaN stays NaN.
#[inline(always)]
pub(super) fn relu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.less_than_f32s(x, zero), zero, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_put_together_whole() {
        for len in [1, 15, 16, 17, 48, 1001] {
            let row: Vec<f32> = (0..len).map(|i| (i % 13) as f32).collect();
            let sum: f32 = row.iter().sum();
            assert_eq!(fold(&row, 0.0, |a, b| a + b), sum);
            assert_eq!(fold(&row, f32::MIN, f32::max), (len.min(13) - 1) as f32);
            let squares: f32 = row.iter().map(|v| v * v).sum();
            assert_eq!(sum_of_pairs(&row, &row, |a, b| a * b), squares);
        }
    }
}
