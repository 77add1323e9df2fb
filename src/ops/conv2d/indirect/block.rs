//! Sums of a few positions × vectors of channels, in registers.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::packed::{Packed, Panel};
#[cfg(target_arch = "x86_64")]
use super::pairs;
use super::places::{Depth, Pointers, Terms};
use crate::ops::conv2d::finish::{Block, Finish};
use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::Shared;
use crate::ops::simd::{LANES, load, store};

/// A task: output positions × panels of channels.
pub(super) struct Tile<'a> {
    pub of: Outputs<'a>,
    /// The terms of their sums.
    pub parts: &'a [Depth],
    /// Room for sums that are not whole yet, if there are several parts; [`Outputs::count`] values.
    pub kept: &'a mut [f32],
}

/// Output positions × panels of channels.
pub(super) struct Outputs<'a> {
    pub shape: &'a Shape,
    /// Whether values are [`pairs`].
    pub are_pairs: bool,
    pub packed: &'a Packed,
    /// Of the positions.
    pub places: &'a Pointers<'a>,
    pub positions: Range<usize>,
    pub panels: Range<usize>,
    pub finish: Finish<'a>,
    /// The position that `out` begins with.
    pub origin: usize,
    /// No other task writes these positions' channels.
    pub out: &'a Shared<'a>,
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tile { of, parts, kept } = self;
        let of_panel = of.places.positions * 2 * S::F32_LANES;
        for at in 0..parts.len() {
            let part = Part {
                depth: &parts[at],
                is_first: at == 0,
                is_last: at + 1 == parts.len(),
            };
            for i in 0..of.panels.len() {
                let (panel, kernel) = of.packed.panel(of.panels.start + i);
                let kept = match parts.len() {
                    1 => &mut [],
                    _ => &mut kept[i * of_panel..(i + 1) * of_panel],
                };
                // What is left of the registers holds a row of the kernel and a value of the image.
                match (panel.vectors, S::REGISTER_COUNT >= 32) {
                    (1, false) => of.panel::<S, 12, 1>(simd, panel, kernel, &part, kept),
                    (1, true) => of.panel::<S, 24, 1>(simd, panel, kernel, &part, kept),
                    (_, false) => of.panel::<S, 6, 2>(simd, panel, kernel, &part, kept),
                    (_, true) => of.panel::<S, 12, 2>(simd, panel, kernel, &part, kept),
                }
            }
        }
    }
}

/// Terms of the sums that are added at a time.
struct Part<'a> {
    depth: &'a Depth,
    is_first: bool,
    is_last: bool,
}

impl Outputs<'_> {
    /// At least as many as there are sums, with any vectors.
    pub fn count(&self) -> usize {
        self.places.positions * 2 * LANES * self.panels.len()
    }

    /// All positions, `R` at a time, of a panel of `V` vectors; sums that are not whole are `kept`.
    #[inline(always)]
    fn panel<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        panel: &Panel,
        kernel: &[f32],
        part: &Part<'_>,
        kept: &mut [f32],
    ) {
        let width = V * S::F32_LANES;
        assert!(kernel.len() >= self.places.taps * self.places.run * width);
        for first in (0..self.positions.len()).step_by(R) {
            let terms = Terms {
                places: self.places,
                first,
                skipped: panel.group * self.places.run,
                kernel,
                depth: part.depth,
            };
            let mut sums = match self.are_pairs {
                #[cfg(target_arch = "x86_64")]
                true => sums_of_pairs::<S, R, V>(simd, &terms),
                _ => sums::<S, R, V>(simd, &terms),
            };
            if !part.is_first {
                let kept = &kept[first * width..][..R * width];
                for r in 0..R {
                    for v in 0..V {
                        let before = load::<S>(kept, (r * V + v) * S::F32_LANES);
                        sums[r][v] = simd.add_f32s(before, sums[r][v]);
                    }
                }
            }
            let rows = R.min(self.positions.len() - first);
            let position = self.positions.start + first;
            if !part.is_last {
                let kept = &mut kept[first * width..][..R * width];
                for r in 0..R {
                    for v in 0..V {
                        store::<S>(kept, (r * V + v) * S::F32_LANES, sums[r][v]);
                    }
                }
            } else {
                let to = Block {
                    channels: panel.channels.clone(),
                    at: self.finish.at(
                        position - self.origin,
                        panel.channels.start,
                        self.shape.cout,
                    ),
                    stride: self.finish.width(self.shape.cout),
                    rows,
                };
                // SAFETY: no other task writes these channels of these positions.
                unsafe { self.finish.block(simd, sums, &to, self.out) };
            }
        }
    }
}

/// As [`sums`], of pairs of terms.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn sums_of_pairs<S: Simd, const R: usize, const V: usize>(
    simd: S,
    terms: &Terms<'_>,
) -> [[S::f32s; V]; R] {
    let mut whole = [[simd.splat_f32s(0.0); V]; R];
    assert!(size_of_val(&whole) == R * V * pairs::LANES * size_of::<f32>());
    // SAFETY: pairs are made where the processor has what multiplies them; the rest as in `sums`.
    unsafe { pairs::sums::<R, V>(terms, whole.as_mut_ptr().cast()) };
    whole
}

/// The sums of a part of their terms, of R positions × V vectors of channels.
#[inline(always)]
fn sums<S: Simd, const R: usize, const V: usize>(simd: S, terms: &Terms<'_>) -> [[S::f32s; V]; R] {
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for tap in terms.depth.taps.clone() {
        let listed = &terms.places.of(tap, terms.first)[..R];
        let mut places = [terms.kernel.as_ptr(); R];
        for r in 0..R {
            // SAFETY: a place has the values of all groups behind it.
            places[r] = unsafe { listed[r].add(terms.skipped) };
        }
        let start = tap * terms.places.run + terms.depth.run.start;
        // SAFETY: the kernel has a row of V vectors for each value of each tap, by the assertion of `panel`.
        let mut row = unsafe { terms.kernel.as_ptr().add(start * V * S::F32_LANES) };
        for k in terms.depth.run.clone() {
            // SAFETY: a place has `run` values of each group behind it, as `Places::of` has seen; the kernel as above.
            unsafe {
                let mut values = [simd.splat_f32s(0.0); V];
                for v in 0..V {
                    values[v] = row.add(v * S::F32_LANES).cast::<S::f32s>().read_unaligned();
                }
                for r in 0..R {
                    let factor = simd.splat_f32s(*places[r].add(k));
                    for v in 0..V {
                        sums[r][v] = simd.mul_add_e_f32s(factor, values[v], sums[r][v]);
                    }
                }
                row = row.add(V * S::F32_LANES);
            }
        }
    }
    // What is handed on lies in memory, where later loops over it are long; in it the sums would be stored term by term.
    let mut whole = [[simd.splat_f32s(0.0); V]; R];
    for r in 0..R {
        for v in 0..V {
            whole[r][v] = sums[r][v];
        }
    }
    whole
}
