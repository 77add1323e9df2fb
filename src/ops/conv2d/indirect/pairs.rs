//! Products of bfloat16 numbers with sums in f32. Two neighbouring terms of a sum lie in one word, so that all but the innermost
//! loop goes over words as it does over numbers.

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::places::Terms;
use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::{Shared, filled};
use crate::ops::matrix::Matrix;
use crate::ops::products::Products;
use crate::ops::simd::vectorized;

/// Words that are worth a thread's while.
const BLOCK: usize = 16 * 1024;

/// An image batch and a kernel in words, with the convolution of words that they are.
pub(super) struct Words {
    pub shape: Shape,
    pub x: Vec<f32>,
    /// `[depth / groups / 2, cout]`
    pub kernel: Vec<f32>,
}

impl Words {
    /// Of a convolution that is to be computed so; none where its channels are no pairs.
    pub fn of(s: &Shape, x: &[f32], kernel: Matrix<'_>) -> Option<Self> {
        let is_wanted = s.products == Products::Bf16 && s.products.are_there();
        let are_pairs = (s.cin / s.groups).is_multiple_of(2);
        (is_wanted && are_pairs).then(|| Words {
            shape: Shape {
                cin: s.cin / 2,
                ..*s
            },
            x: of_values(x),
            kernel: of_rows(kernel),
        })
    }
}

/// Neighbouring values in a word, the first in its lower half.
fn of_values(x: &[f32]) -> Vec<f32> {
    let pairs = x.as_chunks::<2>().0;
    let fill = |out: &Shared<'_>| {
        pairs.par_chunks(BLOCK).enumerate().for_each(|(i, pairs)| {
            let start = i * BLOCK;
            // SAFETY: each block has its own words.
            let words = unsafe { out.slice(start..start + pairs.len()) };
            vectorized(
                #[inline(always)]
                || {
                    for (word, [low, high]) in words.iter_mut().zip(pairs) {
                        *word = joined(*low, *high);
                    }
                },
            );
        });
    };
    // SAFETY: the blocks cover all pairs.
    unsafe { filled(pairs.len(), fill) }
}

/// Of each two neighbouring rows one of words.
fn of_rows(kernel: Matrix<'_>) -> Vec<f32> {
    let columns = kernel.columns;
    let mut words = vec![0.0; kernel.rows / 2 * columns];
    let rows = words.par_chunks_mut(columns).enumerate();
    rows.for_each(|(i, words)| {
        let row = |row: usize| &kernel.data[row * kernel.row_stride..];
        let (low, high) = (row(2 * i), row(2 * i + 1));
        for (column, word) in words.iter_mut().enumerate() {
            let at = column * kernel.column_stride;
            *word = joined(low[at], high[at]);
        }
    });
    words
}

#[inline(always)]
fn joined(low: f32, high: f32) -> f32 {
    f32::from_bits(rounded(low) | rounded(high) << 16)
}

/// To the nearest bfloat16 number, of two the even one; NaN stays NaN.
#[inline(always)]
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    let quiet = bits | 0x0040_0000;
    (if x.is_nan() { quiet } else { nearest }) >> 16
}

/// Sums side by side.
#[cfg(target_arch = "x86_64")]
pub(super) const LANES: usize = 16;

/// The sums of a part of their terms of R positions × V vectors of channels, to `whole`.
///
/// # Safety
/// The processor must have the instructions; `whole` room for R × V vectors; the kernel and the places the words that
/// [`Terms`] says.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn sums<const R: usize, const V: usize>(terms: &Terms<'_>, whole: *mut f32) {
    use std::arch::x86_64::{
        __m512, __m512bh, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };
    let words = |vector: __m512| -> __m512bh {
        // SAFETY: both are 64 bytes of any value.
        unsafe { std::mem::transmute(vector) }
    };
    let mut sums = [[_mm512_setzero_ps(); V]; R];
    for tap in terms.depth.taps.clone() {
        let listed = &terms.places.of(tap, terms.first)[..R];
        let mut places = [terms.kernel.as_ptr(); R];
        for r in 0..R {
            // SAFETY: a place has the words of all groups behind it.
            places[r] = unsafe { listed[r].add(terms.skipped) };
        }
        let start = tap * terms.places.run + terms.depth.run.start;
        // SAFETY: by this function's contract.
        let mut row = unsafe { terms.kernel.as_ptr().add(start * V * LANES) };
        for k in terms.depth.run.clone() {
            // SAFETY: by this function's contract.
            unsafe {
                let mut values = [_mm512_setzero_ps(); V];
                for v in 0..V {
                    values[v] = _mm512_loadu_ps(row.add(v * LANES));
                }
                for r in 0..R {
                    let pair = words(_mm512_set1_ps(*places[r].add(k)));
                    for v in 0..V {
                        sums[r][v] = _mm512_dpbf16_ps(sums[r][v], pair, words(values[v]));
                    }
                }
                row = row.add(V * LANES);
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            // SAFETY: by this function's contract.
            unsafe { _mm512_storeu_ps(whole.add((r * V + v) * LANES), sums[r][v]) };
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Result, Tensor};

    use super::*;
    use crate::ops::testing::{
        assert_close, assert_values_close, flat, gradients, random, same_bytes_on_any_threads,
    };
    use crate::ops::{Conv2dConfig, Padding, conv2d, dense};

    /// By a kernel of an input of these extents, with this stride.
    const CASES: [([usize; 4], [usize; 4], usize); 5] = [
        ([2, 6, 5, 64], [1, 1, 64, 40], 1),
        ([1, 33, 33, 6], [3, 3, 6, 17], 2),
        ([2, 7, 8, 24], [3, 3, 6, 8], 2),
        ([1, 64, 64, 4], [7, 7, 4, 33], 2),
        ([1, 4, 4, 1100], [1, 1, 1100, 5], 1),
    ];

    fn convolved(x: &Tensor, kernel: &Tensor, stride: usize, products: Products) -> Result<Tensor> {
        let config = Conv2dConfig {
            stride,
            padding: Padding::Each(kernel.dim(0)? / 2),
            products,
            ..Conv2dConfig::default()
        };
        conv2d(x, kernel, None, &config)
    }

    #[test]
    fn convolutions_are_those_of_rounded_factors() {
        for (x, kernel, stride) in CASES {
            let (x, kernel) = (random(&x, 1), random(&kernel, 2));
            let nearest = |tensor: &Tensor| {
                let values = flat(tensor).into_iter();
                let values: Vec<f32> = values.map(|x| f32::from_bits(rounded(x) << 16)).collect();
                Tensor::from_vec(values, tensor.shape(), tensor.device()).unwrap()
            };
            let of = |x: &Tensor, kernel: &Tensor, products| {
                flat(&convolved(x, kernel, stride, products).unwrap())
            };
            let found = of(&x, &kernel, Products::Bf16);
            let plain = of(&x, &kernel, Products::F32);
            if Products::Bf16.are_there() {
                let expected = of(&nearest(&x), &nearest(&kernel), Products::F32);
                assert_values_close(&found, &expected, 1e-5);
                let differ = found.iter().zip(&plain).filter(|(a, b)| a != b).count();
                assert!(2 * differ > found.len(), "{differ} of {}", found.len());
            } else {
                assert_eq!(found, plain);
            }
        }
    }

    #[test]
    fn bytes_depend_neither_on_threads_nor_on_other_images() {
        for (x, kernel, stride) in CASES {
            let (x, kernel) = (random(&x, 1), random(&kernel, 2));
            let run = |t: &[Tensor]| convolved(&t[0], &t[1], stride, Products::Bf16);
            same_bytes_on_any_threads(&[&x, &kernel], run);
            let all = flat(&run(&[x.clone(), kernel.clone()]).unwrap());
            let first = x.narrow(0, 0, 1).unwrap();
            let first = flat(&run(&[first, kernel]).unwrap());
            assert_eq!(first, all[..first.len()]);
        }
    }

    #[test]
    fn gradients_are_near_those_in_f32() {
        let (x, weight) = (random(&[2, 20, 64], 1), random(&[64, 48], 2));
        let of = |products| {
            gradients(&[&x, &weight], |t| {
                dense(&t[0], &t[1], None, false, products)
            })
        };
        let (found, plain) = (of(Products::Bf16), of(Products::F32));
        found
            .iter()
            .zip(&plain)
            .for_each(|(a, b)| assert_close(a, b, 2e-2));
    }

    #[test]
    fn values_are_rounded_to_the_nearest_and_of_two_to_the_even_one() {
        let of = |x: f32| f32::from_bits(rounded(x) << 16);
        // One over the last of eight bits, and halves between two numbers.
        assert_eq!(of(1.0 + 1.0 / 128.0), 1.0 + 1.0 / 128.0);
        assert_eq!(of(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(of(1.0 + 3.0 / 256.0), 1.0 + 2.0 / 128.0);
        assert_eq!(of(-1.0 - 1.1 / 256.0), -1.0 - 1.0 / 128.0);
        assert_eq!(of(f32::MAX), f32::INFINITY);
        assert!(of(f32::from_bits(0x7fff_ffff)).is_nan());
        assert!(of(f32::from_bits(0xff80_0001)).is_nan());
    }

    #[test]
    fn words_have_the_first_of_two_terms_below() {
        let [low, high] = [1.5f32, -2.0].map(|x| x.to_bits() >> 16);
        assert_eq!(of_values(&[1.5, -2.0])[0].to_bits(), low | high << 16);
        let columns = [1.5, 7.0, -2.0, 9.0];
        let rows = of_rows(Matrix::new(&columns, 2, 2));
        assert_eq!(rows[0].to_bits(), low | high << 16);
        let turned = of_rows(Matrix::new(&[1.5, -2.0], 1, 2).transposed());
        assert_eq!(turned[0].to_bits(), low | high << 16);
    }
}
