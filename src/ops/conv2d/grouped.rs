//! Convolutions in groups: each group of input channels meets its own group of filters.

use rayon::prelude::*;

use super::backward;
use super::shape::Shape;
use crate::ops::cpu::CHUNK;

/// The sizes of one group's convolution.
fn of_group(s: &Shape) -> Shape {
    Shape {
        cin: s.cin / s.groups,
        cout: s.cout / s.groups,
        groups: 1,
        ..*s
    }
}

/// The gradient of the kernel, laid out as it is.
pub(super) fn kernel_gradient(s: &Shape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let one = of_group(s);
    let mut gradient = vec![0f32; one.depth() * s.cout];
    for group in 0..s.groups {
        let (x, dy) = (
            take(x, s.cin, one.cin, group),
            take(dy, s.cout, one.cout, group),
        );
        let part = backward::kernel_gradient(&one, &x, &dy);
        put(&mut gradient, s.cout, &part, one.cout, group);
    }
    gradient
}

/// The gradient of the input from that of the output.
pub(super) fn input_gradient(s: &Shape, kernel: &[f32], dy: &[f32]) -> Vec<f32> {
    let one = of_group(s);
    let mut dx = vec![0f32; s.n * s.h * s.w * s.cin];
    for group in 0..s.groups {
        let kernel = take(kernel, s.cout, one.cout, group);
        let part = backward::input_gradient(&one, &kernel, &take(dy, s.cout, one.cout, group));
        put(&mut dx, s.cin, &part, one.cin, group);
    }
    dx
}

/// Of each row of `all` values, group number `group` of `some`.
fn take(values: &[f32], all: usize, some: usize, group: usize) -> Vec<f32> {
    let mut taken = vec![0f32; values.len() / all * some];
    taken
        .par_chunks_mut(some)
        .zip(values.par_chunks(all))
        .with_min_len(CHUNK.div_ceil(all))
        .for_each(|(to, from)| to.copy_from_slice(&from[group * some..][..some]));
    taken
}

/// The other way round.
fn put(values: &mut [f32], all: usize, part: &[f32], some: usize, group: usize) {
    values
        .par_chunks_mut(all)
        .zip(part.par_chunks(some))
        .with_min_len(CHUNK.div_ceil(all))
        .for_each(|(to, from)| to[group * some..][..some].copy_from_slice(from));
}
