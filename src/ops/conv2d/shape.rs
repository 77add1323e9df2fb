//! The sizes of a convolution, and which taps of the kernel meet the image where.

use std::ops::Range;

use candle_core::{Result, bail};

use super::config::Conv2dConfig;
use crate::ops::products::Products;

/// Dense work for each useful multiplication above which padding is skipped.
const SPARSE_FROM: f64 = 1.15;

/// Sizes of a convolution of `[n, h, w, cin]` with `[kh, kw, cin, cout]` to `[n, ho, wo, cout]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::ops) struct Shape {
    pub n: usize,
    pub h: usize,
    pub w: usize,
    pub cin: usize,
    pub kh: usize,
    pub kw: usize,
    pub cout: usize,
    pub stride: usize,
    /// Pixels of zero above, and to the left.
    pub padding: [usize; 2],
    /// Parts of the channels that are convolved apart.
    pub groups: usize,
    pub ho: usize,
    pub wo: usize,
    /// What it is computed with on a CPU.
    pub products: Products,
}

/// A rectangle of output positions, and the taps of the kernel applied there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) struct Region {
    pub oy: Range<usize>,
    pub ox: Range<usize>,
    pub ky: Range<usize>,
    pub kx: Range<usize>,
}

impl Region {
    /// Output positions in one image.
    pub fn positions(&self) -> usize {
        self.oy.len() * self.ox.len()
    }
}

impl Shape {
    /// Checked sizes.
    pub fn new(x: &[usize], kernel: &[usize], config: &Conv2dConfig) -> Result<Self> {
        let (&[n, h, w, cin], &[kh, kw, kernel_cin, cout]) = (x, kernel) else {
            bail!(
                "conv2d: x must be [batch, height, width, channels] and the kernel [height, width, \
                 channels in, channels out], got {x:?} and {kernel:?}"
            );
        };
        let groups = cin / kernel_cin.max(1);
        if groups == 0 || cin != groups * kernel_cin || !cout.is_multiple_of(groups) {
            bail!(
                "conv2d: x of shape {x:?} has {cin} channels, the kernel of shape {kernel:?} wants \
                 {kernel_cin}, or groups of so many that divide its outputs"
            );
        }
        let &Conv2dConfig {
            stride,
            padding,
            products,
            ..
        } = config;
        if stride == 0 {
            bail!("conv2d: the stride must be at least 1");
        }
        let (Some((top, ho)), Some((left, wo))) =
            (padding.along(h, kh, stride), padding.along(w, kw, stride))
        else {
            bail!(
                "conv2d: the kernel of shape {kernel:?} is larger than x of shape {x:?} with padding \
                 {padding:?}"
            );
        };
        Ok(Shape {
            n,
            h,
            w,
            cin,
            kh,
            kw,
            cout,
            stride,
            padding: [top, left],
            groups,
            ho,
            wo,
            products,
        })
    }

    /// A product of `[n, rows, cin]` with `[cin, cout]`, as a convolution of single pixels.
    pub fn product(n: usize, rows: usize, cin: usize, cout: usize) -> Self {
        Shape {
            n,
            h: rows,
            w: 1,
            cin,
            kh: 1,
            kw: 1,
            cout,
            stride: 1,
            padding: [0, 0],
            groups: 1,
            ho: rows,
            wo: 1,
            products: Products::F32,
        }
    }

    /// A dense layer of `[n, …, cin]`.
    pub fn dense(x: &[usize], cout: usize) -> Self {
        let (n, cin) = match x {
            [n, .., cin] => (*n, *cin),
            _ => (1, 1),
        };
        let rows = x.iter().skip(1).rev().skip(1).product();
        Shape::product(n, rows, cin, cout)
    }

    /// Terms in the sum of one output value.
    pub fn depth(&self) -> usize {
        self.kh * self.kw * self.cin
    }

    /// Output positions in the batch.
    pub fn rows(&self) -> usize {
        self.n * self.ho * self.wo
    }

    /// Whether each output position sees one input position, in the same order.
    pub fn is_product(&self) -> bool {
        self.kh == 1 && self.kw == 1 && self.stride == 1 && (self.ho, self.wo) == (self.h, self.w)
    }

    /// Whether every channel is convolved by itself.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.cin && self.cin == self.cout
    }

    /// The convolution that turns the gradient of the output into that of the input, with the kernel
    /// flipped in space and its channels swapped; none for strides and paddings that need another way.
    pub fn flipped(&self) -> Option<Shape> {
        let [top, left] = self.padding;
        let padding = [
            self.kh.checked_sub(1 + top)?,
            self.kw.checked_sub(1 + left)?,
        ];
        (self.stride == 1 && self.kh == self.kw).then_some(Shape {
            h: self.ho,
            w: self.wo,
            cin: self.cout,
            cout: self.cin,
            padding,
            ho: self.h,
            wo: self.w,
            ..*self
        })
    }

    /// Every output position with every tap.
    pub fn everything(&self) -> Region {
        Region {
            oy: 0..self.ho,
            ox: 0..self.wo,
            ky: 0..self.kh,
            kx: 0..self.kw,
        }
    }

    /// Products of one image and pair of channels that do not meet only padding.
    pub fn useful_products(&self) -> usize {
        let [top, left] = self.padding;
        let useful = |out, padding, size, taps| -> usize {
            (0..out)
                .map(|o| valid_taps(o, self.stride, padding, size, taps).len())
                .sum()
        };
        useful(self.ho, top, self.h, self.kh) * useful(self.wo, left, self.w, self.kw)
    }

    /// Products of the whole batch that do not meet only padding.
    pub fn multiplications(&self) -> usize {
        self.n * self.useful_products() * self.cin * self.cout
    }

    /// Whether so many products meet only padding that they are worth skipping; the same for any batch.
    pub fn is_sparse(&self) -> bool {
        let all = self.ho * self.wo * self.kh * self.kw;
        all as f64 >= SPARSE_FROM * self.useful_products() as f64
    }

    /// Regions that cover the output and whose taps never meet padding.
    pub fn regions_by_position(&self) -> Vec<Region> {
        let [top, left] = self.padding;
        let ys = groups(self.ho, self.stride, top, self.h, self.kh);
        let xs = groups(self.wo, self.stride, left, self.w, self.kw);
        let region = |(oy, ky): &(Range<usize>, Range<usize>),
                      (ox, kx): &(Range<usize>, Range<usize>)| Region {
            oy: oy.clone(),
            ox: ox.clone(),
            ky: ky.clone(),
            kx: kx.clone(),
        };
        ys.iter()
            .flat_map(|y| xs.iter().map(move |x| region(y, x)))
            .collect()
    }

    /// For each tap, in the kernel's order, the output positions where it meets the image.
    pub fn regions_by_tap(&self) -> Vec<Region> {
        let [top, left] = self.padding;
        let valid = |k, out, padding, size| valid_outputs(k, self.stride, padding, size, out);
        let tap = |ky, kx| Region {
            oy: valid(ky, self.ho, top, self.h),
            ox: valid(kx, self.wo, left, self.w),
            ky: ky..ky + 1,
            kx: kx..kx + 1,
        };
        (0..self.kh)
            .flat_map(|ky| (0..self.kw).map(move |kx| tap(ky, kx)))
            .collect()
    }

    /// The ranges of kernel rows (of [`Self::depth`]) that a region's taps are, in order.
    pub fn depths(&self, region: &Region) -> Vec<Range<usize>> {
        let row = |ky: usize, kx: usize| (ky * self.kw + kx) * self.cin;
        if region.kx == (0..self.kw) {
            let all = row(region.ky.start, 0)..row(region.ky.end, 0);
            return Some(all)
                .into_iter()
                .filter(|all| !all.is_empty())
                .collect();
        }
        region
            .ky
            .clone()
            .filter(|_| !region.kx.is_empty())
            .map(|ky| row(ky, region.kx.start)..row(ky, region.kx.end))
            .collect()
    }
}

/// The taps that meet the image at output position `o` of one axis.
pub(super) fn valid_taps(
    o: usize,
    stride: usize,
    padding: usize,
    size: usize,
    taps: usize,
) -> Range<usize> {
    let first = o * stride;
    let start = padding.saturating_sub(first).min(taps);
    let end = (size + padding).saturating_sub(first).min(taps);
    start..end.max(start)
}

/// The output positions of one axis where tap `k` meets the image.
fn valid_outputs(k: usize, stride: usize, padding: usize, size: usize, out: usize) -> Range<usize> {
    let start = padding.saturating_sub(k).div_ceil(stride).min(out);
    let end = (size + padding).saturating_sub(k).div_ceil(stride).min(out);
    start..end.max(start)
}

/// Neighbouring output positions of one axis that see the same taps.
fn groups(
    out: usize,
    stride: usize,
    padding: usize,
    size: usize,
    taps: usize,
) -> Vec<(Range<usize>, Range<usize>)> {
    let mut groups: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for o in 0..out {
        let valid = valid_taps(o, stride, padding, size, taps);
        match groups.last_mut() {
            Some((positions, taps)) if *taps == valid => positions.end = o + 1,
            _ => groups.push((o..o + 1, valid)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_3x3_kernel_on_a_2x2_image_sees_four_taps_everywhere() {
        let config = Conv2dConfig {
            padding: crate::ops::Padding::Each(1),
            ..Conv2dConfig::default()
        };
        let shape = Shape::new(&[1, 2, 2, 5], &[3, 3, 5, 7], &config).unwrap();
        assert!(shape.is_sparse());
        let regions = shape.regions_by_position();
        assert_eq!(regions.len(), 4);
        assert!(regions.iter().all(|r| r.ky.len() * r.kx.len() == 4));
        assert_eq!(shape.depths(&regions[0]), [20..30, 35..45]);
        let useful: usize = shape.regions_by_tap().iter().map(Region::positions).sum();
        assert_eq!(useful, 16);
    }

    #[test]
    fn taps_and_positions_agree_on_what_meets_the_image() {
        for (size, taps, stride, padding) in
            [(5, 3, 1, 1), (7, 3, 2, 0), (4, 5, 3, 2), (2, 3, 1, 3)]
        {
            let out = (size + 2 * padding - taps) / stride + 1;
            for o in 0..out {
                for k in 0..taps {
                    let meets = (padding..size + padding).contains(&(o * stride + k));
                    assert_eq!(
                        valid_taps(o, stride, padding, size, taps).contains(&k),
                        meets
                    );
                    assert_eq!(
                        valid_outputs(k, stride, padding, size, out).contains(&o),
                        meets
                    );
                }
            }
        }
    }
}
