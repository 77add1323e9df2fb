//! Position embeddings of a vision transformer for another number of patches.

use std::fmt;

use super::HostTensor;
use crate::ops::resample::{Filter, Span};

/// How position embeddings `[1, prefix + rows · columns, channels]` may be resampled: their first tokens belong to no patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    /// Our name of the tensor.
    pub tensor: String,
    /// Tokens before those of the patches.
    pub prefix: usize,
    /// Rows and columns of patches.
    pub grid: (usize, usize),
}

/// The patches of a square, and those that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resampling {
    /// A side of the square.
    pub from: usize,
    /// Rows and columns.
    pub to: (usize, usize),
    prefix: usize,
}

impl Resampling {
    /// From embeddings of one shape to another; none where they differ in more than how many patches there are, or those
    /// that are found are of no square.
    pub fn between(found: &[usize], expected: &[usize], wanted: &Positions) -> Option<Self> {
        let (&[1, found, channels], &[1, expected, same]) = (found, expected) else {
            return None;
        };
        let Positions { prefix, grid, .. } = *wanted;
        let patches = found.checked_sub(prefix)?;
        let from = patches.isqrt();
        let is_square = from > 0 && from * from == patches;
        let fits = channels == same && expected == prefix + grid.0 * grid.1;
        (is_square && fits).then_some(Resampling {
            from,
            to: grid,
            prefix,
        })
    }

    /// timm's `resample_abs_pos_embed`: the prefix stays as it is; the square of patches is resampled as PyTorch's
    /// `interpolate(mode="bicubic", antialias=True)` does, columns first.
    pub fn apply(self, tensor: &HostTensor) -> HostTensor {
        let channels = tensor.shape.last().copied().unwrap_or(0);
        let (prefix, patches) = tensor
            .data
            .split_at((self.prefix * channels).min(tensor.data.len()));
        let spans = |to: usize| -> Vec<Span> {
            let span = |at| Span::new(at, (self.from, to), Filter::Cubic);
            (0..to).map(span).collect()
        };
        let columns = spans(self.to.1);
        let rows = patches.chunks_exact((self.from * channels).max(1));
        let rows: Vec<Vec<f32>> = rows
            .map(|row| {
                let patches: Vec<&[f32]> = row.chunks_exact(channels.max(1)).collect();
                let columns = columns.iter();
                columns.flat_map(|span| mean(span, &patches)).collect()
            })
            .collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let mut data = prefix.to_vec();
        data.extend(spans(self.to.0).iter().flat_map(|span| mean(span, &rows)));
        HostTensor {
            shape: vec![1, self.prefix + self.to.0 * self.to.1, channels],
            data,
        }
    }
}

/// The mean of the places that a span names.
fn mean(span: &Span, places: &[&[f32]]) -> Vec<f32> {
    let weights = span.weights.iter().map(|weight| *weight as f32);
    let mut places = places.iter().skip(span.start).zip(weights);
    let scaled = |(place, weight): (&&[f32], f32)| -> Vec<f32> {
        place.iter().map(|value| value * weight).collect()
    };
    let mut sum = places.next().map(scaled).unwrap_or_default();
    for (place, weight) in places {
        let values = sum.iter_mut().zip(*place);
        values.for_each(|(sum, value)| *sum += value * weight);
    }
    sum
}

/// `for 16×16 patches (bicubic): the file has 14×14`
impl fmt::Display for Resampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, (rows, columns)) = (self.from, self.to);
        write!(
            f,
            "for {rows}×{columns} patches (bicubic, antialiased): the file has {from}×{from}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From timm 1.0.29 and PyTorch 2.15:
    /// ```python
    /// import torch
    /// from timm.layers.pos_embed import resample_abs_pos_embed
    /// for old, new in [(5, [3, 3]), (3, [4, 4]), (3, [2, 4])]:
    ///     n = 1 + old * old
    ///     x = ((torch.arange(n * 2) * 37 % 101) / 50 - 1).reshape(1, n, 2)
    ///     print(resample_abs_pos_embed(x, new_size=new, num_prefix_tokens=1).flatten().tolist())
    /// ```
    #[test]
    fn positions_are_resampled_as_by_timm() {
        for (old, new, wanted) in [
            (5usize, (3usize, 3usize), &SHRUNK[..]),
            (3, (4, 4), &GROWN[..]),
            (3, (2, 4), &STRETCHED[..]),
        ] {
            let count = 1 + old * old;
            let tensor = HostTensor {
                shape: vec![1, count, 2],
                data: (0..count * 2)
                    .map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0)
                    .collect(),
            };
            let expected = [1, 1 + new.0 * new.1, 2];
            let resampling = Resampling::between(&[1, count, 2], &expected, &positions(new));
            let found = resampling.unwrap().apply(&tensor);
            assert_eq!(found.shape, expected);
            assert_eq!(found.data.len(), wanted.len());
            for (found, wanted) in found.data.iter().zip(wanted) {
                assert!((found - wanted).abs() < 2e-6, "{found} {wanted}");
            }
        }
    }

    fn positions(grid: (usize, usize)) -> Positions {
        Positions {
            tensor: "pos_embed".into(),
            prefix: 1,
            grid,
        }
    }

    #[test]
    fn only_squares_of_patches_of_the_same_width_are_resampled() {
        let between = |found: &[usize], expected: &[usize]| {
            Resampling::between(found, expected, &positions((16, 16)))
        };
        assert!(between(&[1, 197, 192], &[1, 257, 192]).is_some());
        for found in [
            &[1, 197, 384][..],
            &[1, 196, 192],
            &[1, 1, 192],
            &[1, 0, 192],
            &[2, 197, 192],
            &[197, 192],
        ] {
            assert_eq!(between(found, &[1, 257, 192]), None, "{found:?}");
        }
    }

    #[rustfmt::skip]
    const SHRUNK: [f32; 20] = [
        -1.0, -0.26, -0.076, 0.0443739, 0.0439928, 0.0674891, 0.2904615, -0.1227313, -0.1864687, -0.204601, 0.06, 0.2356236, 0.3064686, -0.0397781, -0.1704615, 0.0703953, 0.0760072, 0.0104644, 0.1959999, 0.0070391,
    ];
    #[rustfmt::skip]
    const STRETCHED: [f32; 18] = [
        -1.0, -0.26, 0.7174194, -0.7164726, 0.3336104, -0.2032062, -0.1812093, 0.2135945, -0.5042924, 0.2726319, -0.1974678, -0.0914731, 0.3653896, -0.6226904, 0.468775, -0.2058896, 0.0478746, 0.8976313,
    ];
    #[rustfmt::skip]
    const GROWN: [f32; 34] = [
        -1.0, -0.26, 0.4873135, -0.9037214, 0.1585432, 0.2181261, -0.3203343, 0.6349269, -0.6491045, 0.0853832, 0.8799716, -0.5885389, 0.4549736, -0.4942021, -0.0867438, -0.0774014, -0.405571, 0.4005656, 0.2922282, -0.1870257, 0.4753893, -0.7636878, 0.3308202, -0.3468871, -0.0508469, 0.8020788, -0.9074527, 0.0491045, 0.2069915, -0.421387, 0.6705814, -0.0045862, 0.1926866, 1.0382091,
    ];
}
