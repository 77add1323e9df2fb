//! Convolutions whose every channel has kernels of its own: direct loops over channels.

mod axis;
mod input_gradient;
mod kernel_gradient;
mod line;

use rayon::prelude::*;

use super::finish::Finish;
use super::shape::Shape;
use crate::ops::cpu::{Shared, filled, min_tasks};

pub(super) use axis::Axis;
pub(super) use input_gradient::input_gradient;
pub(super) use kernel_gradient::kernel_gradient;
pub(super) use line::Rows;

/// Convolves channel by channel; the kernel is `[kh, kw, 1, channels]`.
pub(in crate::ops::conv2d) fn convolve(
    s: &Shape,
    x: &[f32],
    kernel: &[f32],
    finish: Finish<'_>,
) -> Vec<f32> {
    let count = s.n * s.ho;
    let fill = |out: &Shared<'_>| {
        let rows = Rows {
            shape: s,
            x,
            first: 0,
            kernel,
            finish,
            out,
        };
        (0..count)
            .into_par_iter()
            .with_min_len(min_tasks(multiplications(s), count))
            // SAFETY: each task has its own row.
            .for_each(|row| unsafe { rows.fill(row) });
    };
    // SAFETY: the rows cover the output, and each is written by its task.
    unsafe { filled(s.rows() * s.cout, fill) }
}

fn multiplications(s: &Shape) -> usize {
    s.rows() * s.kh * s.kw * s.cout
}
