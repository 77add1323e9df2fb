//! A kernel laid out as products read it.

use std::ops::Range;

use rayon::prelude::*;

use crate::ops::conv2d::shape::Shape;
use crate::ops::cpu::{Shared, filled};
use crate::ops::matrix::{Matrix, split};
use crate::ops::simd::{lanes, vectorized};

/// Vectors of channels computed at a time.
const VECTORS: usize = 2;

/// Rows of the kernel that are laid out at a time: they stay in the first-level cache while panel after panel takes its
/// channels.
const ROWS: usize = 16;
/// So many times as much is worth handing to another thread.
const MIN_BLOCKS: usize = 4;

/// A divisor of a panel's width with any vectors.
const SHORTEST: usize = 4;

/// Neighbouring output channels of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    /// The group's number.
    pub group: usize,
    /// Which of all channels.
    pub channels: Range<usize>,
    /// Vectors that hold the channels.
    pub vectors: usize,
    /// Where its values begin.
    start: usize,
}

/// Panel after panel; of each the kernel's rows one after another, with zeros beyond the last channel.
pub(super) struct Packed {
    panels: Vec<Panel>,
    values: Vec<f32>,
}

impl Packed {
    /// Of a `[depth of a group, cout]` matrix.
    pub fn new(s: &Shape, kernel: Matrix<'_>) -> Self {
        let lanes = lanes();
        let depth = kernel.rows;
        let of_group = s.cout / s.groups;
        let mut panels = Vec::new();
        let mut size = 0;
        for group in 0..s.groups {
            for first in (0..of_group).step_by(VECTORS * lanes) {
                let count = (of_group - first).min(VECTORS * lanes);
                let vectors = count.div_ceil(lanes);
                let start = group * of_group + first;
                panels.push(Panel {
                    group,
                    channels: start..start + count,
                    vectors,
                    start: size,
                });
                size += depth * vectors * lanes;
            }
        }
        let fill = |out: &Shared<'_>| {
            let blocks: Vec<Range<usize>> = split(0..depth, ROWS).collect();
            blocks.par_iter().with_min_len(MIN_BLOCKS).for_each(|rows| {
                for panel in &panels {
                    let width = panel.vectors * lanes;
                    let start = panel.start + rows.start * width;
                    // SAFETY: each panel has its own values, of which each task has its own rows.
                    let to = unsafe { out.slice(start..start + rows.len() * width) };
                    pack(kernel, panel, rows.start, to, width);
                }
            });
        };
        // SAFETY: the panels cover the values, and `pack` writes all of its own.
        let values = unsafe { filled(size, fill) };
        Packed { panels, values }
    }

    /// How many panels there are.
    pub fn panels(&self) -> usize {
        self.panels.len()
    }

    /// The channels of some panels; there is at least one.
    pub fn channels(&self, panels: &Range<usize>) -> Range<usize> {
        let [first, last] = [panels.start, panels.end - 1].map(|i| &self.panels[i].channels);
        first.start..last.end
    }

    /// A panel and its values.
    pub fn panel(&self, i: usize) -> (&Panel, &[f32]) {
        let panel = &self.panels[i];
        (panel, &self.values[panel.start..])
    }
}

/// Writes a panel's channels of the kernel's rows from `first` on, in rows of `width`.
fn pack(kernel: Matrix<'_>, panel: &Panel, first: usize, to: &mut [f32], width: usize) {
    let channels = panel.channels.clone();
    let stride = kernel.column_stride;
    vectorized(
        #[inline(always)]
        || {
            for (k, row) in to.chunks_exact_mut(width).enumerate() {
                let from =
                    &kernel.data[(first + k) * kernel.row_stride + channels.start * stride..];
                if stride == 1 && channels.len() == width {
                    let (row, from) = (row.chunks_exact_mut(SHORTEST), &from[..width]);
                    for (row, from) in row.zip(from.chunks_exact(SHORTEST)) {
                        row.copy_from_slice(from);
                    }
                } else {
                    let from = from.iter().step_by(stride).chain(std::iter::repeat(&0.0));
                    row.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    row[channels.len()..].fill(0.0);
                }
            }
        },
    );
}
