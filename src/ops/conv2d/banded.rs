//! A convolution of single pixels and the depthwise one behind it, some rows at a time: what lies between them, several times
//! as wide as the input and the output, never leaves the second-level cache.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::bands::kept;
use super::config::Conv2dConfig;
use super::depthwise::{Axis, Rows};
use super::finish::Finish;
use super::finished::{Epilogue, Parts};
use super::indirect::Product;
use super::shape::Shape;
use super::way::checked;
use crate::ops::cpu::{Shared, filled, with_scratch};
use crate::ops::matrix::{Matrix, split};
use crate::ops::read::read;

/// Tasks a thread should have, so that the last ones end about together.
const TASKS: usize = 4;

/// A convolution and what follows it.
pub struct Finished<'a> {
    /// `[kh, kw, cin / groups, cout]`
    pub kernel: &'a Tensor,
    pub config: Conv2dConfig,
    pub epilogue: Epilogue,
}

/// As [`super::conv2d_finished`] twice, to the same bits.
///
/// # Errors
/// As [`super::conv2d_finished`]; another first convolution than of single pixels, one that something is added to; another
/// second than a depthwise one.
pub fn conv2d_banded(x: &Tensor, first: &Finished<'_>, second: &Finished<'_>) -> Result<Tensor> {
    let wide = checked(x, first.kernel, None, &first.config)?;
    let between = [wide.n, wide.ho, wide.wo, wide.cout];
    let narrow = Shape::new(&between, second.kernel.dims(), &second.config)?;
    let is_pair = wide.is_product() && wide.groups == 1 && narrow.is_depthwise();
    if !is_pair || first.epilogue.add.is_some() {
        bail!("conv2d_banded: {wide:?} and {narrow:?} are no such pair");
    }
    let out = [narrow.n, narrow.ho, narrow.wo, narrow.cout];
    let (of_first, of_second) = (
        Parts::new(&first.epilogue, &between)?,
        Parts::new(&second.epilogue, &out)?,
    );
    let tensors = [x, first.kernel, second.kernel];
    let y = read(tensors, |[x, kernel, depthwise]| {
        let kernel = Matrix::new(kernel, wide.cin, wide.cout);
        of_first.with(|finish| {
            let product = Product::new(&wide, x, kernel, finish);
            of_second.with(|finish| {
                let (first, second) = (&wide, &narrow);
                Bands {
                    first,
                    second,
                    product,
                    kernel: depthwise,
                    finish,
                }
                .compute()
            })
        })?
    })??;
    Tensor::from_vec(y, &out, &candle_core::Device::Cpu)
}

struct Bands<'a> {
    first: &'a Shape,
    second: &'a Shape,
    product: Product<'a>,
    kernel: &'a [f32],
    finish: Finish<'a>,
}

impl Bands<'_> {
    fn compute(&self) -> Vec<f32> {
        let s = self.second;
        let parts = (TASKS * rayon::current_num_threads())
            .div_ceil(s.n)
            .min(s.ho / 4)
            .max(1);
        let tasks: Vec<(usize, Range<usize>)> = (0..s.n)
            .flat_map(|image| split(0..s.ho, s.ho.div_ceil(parts)).map(move |rows| (image, rows)))
            .collect();
        let fill = |out: &Shared<'_>| {
            tasks
                .par_iter()
                .for_each(|(image, rows)| self.part(*image, rows, out));
        };
        // SAFETY: the tasks cover all rows of all images.
        unsafe { filled(s.rows() * s.cout, fill) }
    }

    /// Some rows of an image's output.
    fn part(&self, image: usize, rows: &Range<usize>, out: &Shared<'_>) {
        let s = self.second;
        let (axis, line) = (Axis::rows(s), s.w * s.cin);
        let seen = |row: usize| {
            let taps = axis.taps(row);
            axis.input(row, taps.start)..axis.input(row, taps.end.max(1) - 1) + 1
        };
        let lines = kept(s);
        with_scratch(lines * line, |kept| {
            // The lines that are there.
            let mut there = seen(rows.start).start..seen(rows.start).start;
            let mut row = rows.start;
            while row < rows.end {
                let from = seen(row).start.min(there.end).max(there.start);
                kept.copy_within((from - there.start) * line..there.len() * line, 0);
                there.start = from;
                let fits = |row: &usize| seen(*row).end <= there.start + lines;
                let end = (row + 1..=rows.end)
                    .take_while(|end| fits(&(end - 1)))
                    .last();
                let end = end.unwrap_or(row + 1);
                let wanted = there.end..seen(end - 1).end.max(there.end);
                self.lines(image, &wanted, there.start, kept);
                there.end = wanted.end;
                let rows = Rows {
                    shape: s,
                    x: &kept[..there.len() * line],
                    first: image * s.h + there.start,
                    kernel: self.kernel,
                    finish: self.finish,
                    out,
                };
                for row in row..end {
                    // SAFETY: this task's own rows.
                    unsafe { rows.fill(image * s.ho + row) };
                }
                row = end;
            }
        });
    }

    /// Computes lines between the two; `kept` begins with line `first`.
    fn lines(&self, image: usize, lines: &Range<usize>, first: usize, kept: &mut [f32]) {
        let s = self.first;
        let origin = (image * s.ho + first) * s.wo;
        let positions = |line: usize| (image * s.ho + line) * s.wo;
        let kept = Shared::new(kept);
        for positions in split(
            positions(lines.start)..positions(lines.end),
            self.product.positions(),
        ) {
            // SAFETY: nobody else has the kept lines.
            unsafe {
                self.product
                    .compute(&positions, &self.product.all(), origin, &kept)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::activation::Function;
    use crate::ops::conv2d::{Padding, conv2d_finished};
    use crate::ops::testing::{flat, random};

    fn finished(kernel: &Tensor, stride: usize, function: Function, seed: u64) -> Finished<'_> {
        let sides = kernel.dims();
        Finished {
            kernel,
            config: Conv2dConfig {
                stride,
                padding: Padding::Each(sides[0] / 2),
                relu: false,
                ..Conv2dConfig::default()
            },
            epilogue: Epilogue {
                scale: Some(random(&sides[3..], seed)),
                shift: Some(random(&sides[3..], seed + 1)),
                function: Some(function),
                ..Epilogue::default()
            },
        }
    }

    #[test]
    fn bands_have_the_bytes_of_both_convolutions_one_after_the_other() {
        for (x, channels, side, stride) in [
            // Wide enough that few lines are kept, with a last part that is shorter.
            ([2, 23, 57, 5], 304, 3, 1),
            ([1, 40, 31, 16], 96, 3, 2),
            ([3, 14, 14, 20], 72, 5, 1),
            ([1, 17, 16, 8], 24, 5, 2),
            ([2, 9, 7, 3], 10, 7, 1),
            ([1, 1, 9, 3], 16, 3, 1),
        ] {
            let wide = random(&[1, 1, x[3], channels], 2);
            let depthwise = random(&[side, side, 1, channels], 3);
            let x = random(&x, 1);
            let first = finished(&wide, 1, Function::Silu, 5);
            let second = finished(&depthwise, stride, Function::Relu6, 7);
            let one = |x: &Tensor, f: &Finished<'_>| {
                conv2d_finished(x, f.kernel, &f.config, &f.epilogue).unwrap()
            };
            let wanted = one(&one(&x, &first), &second);
            let banded = conv2d_banded(&x, &first, &second).unwrap();
            assert_eq!(banded.dims(), wanted.dims());
            assert_eq!(flat(&banded), flat(&wanted), "{:?}", x.dims());
        }
    }

    #[test]
    fn other_pairs_are_refused() {
        let x = random(&[1, 8, 8, 4], 1);
        let (wide, full) = (random(&[1, 1, 4, 8], 2), random(&[3, 3, 8, 8], 3));
        let first = finished(&wide, 1, Function::Silu, 5);
        let error = conv2d_banded(&x, &first, &finished(&full, 1, Function::Silu, 7));
        assert!(error.unwrap_err().to_string().contains("no such pair"));
    }
}
