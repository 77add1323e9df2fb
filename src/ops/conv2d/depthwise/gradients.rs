//! Gradients of the input and of the kernel.

use rayon::prelude::*;

use super::axis::Axis;
use super::multiplications;
use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::{Shared, add_parts, filled, min_tasks};
use crate::ops::simd::vectorized;

/// Images summed by one task of the kernel's gradient.
const IMAGES_PER_SUM: usize = 2;

/// The gradient of the input from that of the output.
pub(in crate::ops::conv2d) fn input_gradient(s: &Shape, kernel: &[f32], dy: &[f32]) -> Vec<f32> {
    let (rows, columns, c) = (Axis::rows(s), Axis::columns(s), s.cout);
    by_rows(
        s,
        s.n * s.h,
        s.w * c,
        #[inline(always)]
        |task: usize, out: &mut [f32]| {
            let (image, iy) = (task / s.h, task % s.h);
            out.fill(0.0);
            for ky in 0..s.kh {
                let Some(oy) = rows.output(iy, ky) else {
                    continue;
                };
                let line = (image * s.ho + oy) * s.wo;
                for (ix, out) in out.chunks_exact_mut(c).enumerate() {
                    for kx in 0..s.kw {
                        if let Some(ox) = columns.output(ix, kx) {
                            let dy = &dy[(line + ox) * c..][..c];
                            add_products(out, dy, &kernel[(ky * s.kw + kx) * c..][..c]);
                        }
                    }
                }
            }
        },
    )
}

/// The gradient of the kernel, `[kh * kw, channels]`.
pub(in crate::ops::conv2d) fn kernel_gradient(s: &Shape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let size = s.kh * s.kw * s.cout;
    let tasks = s.n.div_ceil(IMAGES_PER_SUM);
    let mut parts = vec![0f32; tasks * size];
    parts
        .par_chunks_mut(size)
        .enumerate()
        .with_min_len(min_tasks(multiplications(s), tasks))
        .for_each(|(task, total)| {
            let mut line = vec![0f32; size];
            for image in task * IMAGES_PER_SUM..s.n.min((task + 1) * IMAGES_PER_SUM) {
                vectorized(
                    #[inline(always)]
                    || add_image(s, image, x, dy, &mut line, total),
                );
            }
        });
    add_parts(&mut parts, size);
    parts
}

/// Adds one image's gradient of the kernel to `total`; `line` is as long.
#[inline(always)]
fn add_image(s: &Shape, image: usize, x: &[f32], dy: &[f32], line: &mut [f32], total: &mut [f32]) {
    let (rows, columns, c) = (Axis::rows(s), Axis::columns(s), s.cout);
    for oy in 0..s.ho {
        line.fill(0.0);
        for ky in rows.taps(oy) {
            let at = (image * s.h + rows.input(oy, ky)) * s.w;
            for ox in 0..s.wo {
                let dy = &dy[((image * s.ho + oy) * s.wo + ox) * c..][..c];
                for kx in columns.taps(ox) {
                    let x = &x[(at + columns.input(ox, kx)) * c..][..c];
                    add_products(&mut line[(ky * s.kw + kx) * c..][..c], x, dy);
                }
            }
        }
        // Row by row, so that no sum has very many terms.
        total.iter_mut().zip(&*line).for_each(|(t, v)| *t += v);
    }
}

/// `out += a * b`
#[inline(always)]
fn add_products(out: &mut [f32], a: &[f32], b: &[f32]) {
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *out += a * b;
    }
}

/// `count` rows of `width` values, each filled by `row`.
fn by_rows(
    s: &Shape,
    count: usize,
    width: usize,
    row: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let fill = |out: &Shared<'_>| {
        (0..count)
            .into_par_iter()
            .with_min_len(min_tasks(multiplications(s), count))
            .for_each(|task| {
                // SAFETY: each task has its own row.
                let out = unsafe { out.slice(task * width..(task + 1) * width) };
                vectorized(
                    #[inline(always)]
                    || row(task, out),
                );
            });
    };
    // SAFETY: the rows cover the output, and `row` writes all of its own.
    unsafe { filled(count * width, fill) }
}
