//! The cross-entropy of a linear classifier and its gradient, in one pass over the images: a group of these is in the
//! processor's nearest memory while its logits, and then its part of the gradient, are computed.

use std::ops::RangeInclusive;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::matrix::Matrix;
use crate::ops::{dispatch, exp, load, store, vectorized};

/// Classes side by side, numbers of one vector.
const LANES: usize = 16;
/// Images that a weight is read once for.
const GROUP: usize = 8;
/// Parts of the images, each with a gradient of its own: fewer where gradients are large. Whatever the number of threads, since
/// the parts decide the roundings.
const PARTS: RangeInclusive<usize> = 4..=32;
/// Numbers of the gradients of all parts that more than the fewest parts may have.
const GRADIENTS: usize = 16 << 20;
/// The fewest groups of a part.
const PART: usize = 32;

/// Numbers of [`LANES`] classes: a row a feature, then the biases.
type Tile = Vec<[f32; LANES]>;
/// Numbers of the images of a group and as many classes.
type Logits = [[f32; LANES]; GROUP];

/// Images with their classes, as [`Images::losses`] reads them.
pub(super) struct Images<'a> {
    /// A row a feature, group after group; 0 behind the last image.
    groups: Vec<[f32; GROUP]>,
    width: usize,
    labels: &'a [u32],
    classes: usize,
}

impl<'a> Images<'a> {
    /// Of features, an image a row.
    pub fn new(features: &Matrix<f32>, labels: &'a [u32], classes: usize) -> Self {
        let width = features.columns;
        let mut groups = vec![[0.0; GROUP]; labels.len().div_ceil(GROUP) * width];
        let of_images = features.values.par_chunks((GROUP * width).max(1));
        groups
            .par_chunks_mut(width.max(1))
            .zip(of_images)
            .for_each(|(group, images)| {
                for (image, values) in images.chunks(width).enumerate() {
                    group
                        .iter_mut()
                        .zip(values)
                        .for_each(|(row, value)| row[image] = *value);
                }
            });
        Images {
            groups,
            width,
            labels,
            classes,
        }
    }

    /// The sum of the losses of all images, and its gradient by the weights: `[features, classes]` and then the biases, as
    /// `weights` are.
    pub fn losses(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let Images { width, classes, .. } = *self;
        let tiles = self.tiles(weights);
        let of_part = tiles.len() * LANES * (width + 1);
        let parts = (GRADIENTS / of_part).clamp(*PARTS.start(), *PARTS.end());
        let part = self.labels.len().div_ceil(GROUP).div_ceil(parts).max(PART);
        let parts: Vec<(f64, Vec<Tile>)> = self
            .groups
            .par_chunks((part * width).max(1))
            .zip(self.labels.par_chunks(part * GROUP))
            .map(|(groups, labels)| {
                let mut sums: Vec<Tile> = tiles
                    .iter()
                    .map(|tile| vec![[0.0; LANES]; tile.len()])
                    .collect();
                let mut errors = vec![[[0.0; LANES]; GROUP]; tiles.len()];
                let mut loss = 0.0;
                for (group, labels) in groups.chunks(width).zip(labels.chunks(GROUP)) {
                    loss += vectorized(
                        #[inline(always)]
                        || add_group(group, labels, &tiles, &mut errors, &mut sums),
                    );
                }
                (loss, sums)
            })
            .collect();
        let (mut loss, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for (of_part, sums) in &parts {
            loss += of_part;
            for (tile, sums) in sums.iter().enumerate() {
                let first = tile * LANES;
                let here = LANES.min(classes - first);
                for (row, sums) in gradient.chunks_mut(classes).zip(sums) {
                    let row = &mut row[first..first + here];
                    let pairs = row.iter_mut().zip(sums);
                    pairs.for_each(|(sum, of_part)| *sum += f64::from(*of_part));
                }
            }
        }
        (loss, gradient)
    }

    /// Weights in tiles. Classes that fill the last are infinitely unlikely.
    fn tiles(&self, weights: &[f64]) -> Vec<Tile> {
        let tile = |first: usize| {
            let row = |(feature, row): (usize, &[f64])| {
                let none = if feature == self.width {
                    f32::NEG_INFINITY
                } else {
                    0.0
                };
                let mut lanes = [none; LANES];
                let pairs = lanes.iter_mut().zip(&row[first..]);
                pairs.for_each(|(lane, weight)| *lane = *weight as f32);
                lanes
            };
            weights.chunks(self.classes).enumerate().map(row).collect()
        };
        (0..self.classes).step_by(LANES).map(tile).collect()
    }
}

/// Adds the gradient of a group of images to `sums`, and gives their loss. `errors` is where they are worked out.
#[inline(always)]
fn add_group(
    group: &[[f32; GROUP]],
    labels: &[u32],
    tiles: &[Tile],
    errors: &mut [Logits],
    sums: &mut [Tile],
) -> f64 {
    for (tile, logits) in tiles.iter().zip(errors.iter_mut()) {
        *logits = dispatch(Linear { group, tile });
    }
    let mut loss = 0.0;
    for image in 0..GROUP {
        match labels.get(image) {
            Some(label) => loss += error_of(errors, image, *label as usize),
            None => errors
                .iter_mut()
                .for_each(|rows| rows[image] = [0.0; LANES]),
        }
    }
    for (tile, errors) in sums.iter_mut().zip(errors.iter()) {
        let errors = *errors;
        let (of_features, of_biases) = tile.split_at_mut(group.len());
        for (values, sums) in group.iter().zip(of_features) {
            let mut lanes = *sums;
            for (errors, value) in errors.iter().zip(values) {
                let pairs = lanes.iter_mut().zip(errors);
                pairs.for_each(|(lane, error)| *lane = value.mul_add(*error, *lane));
            }
            *sums = lanes;
        }
        for error in &errors {
            let pairs = of_biases[0].iter_mut().zip(error);
            pairs.for_each(|(sum, error)| *sum += error);
        }
    }
    loss
}

/// The logits of a group of images by the weights of a tile. By hand, as a compiler puts images side by side, which lie apart.
struct Linear<'a> {
    group: &'a [[f32; GROUP]],
    tile: &'a [[f32; LANES]],
}

impl WithSimd for Linear<'_> {
    type Output = Logits;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Logits {
        let (of_features, biases) = self.tile.split_at(self.group.len());
        let mut logits = [[0.0; LANES]; GROUP];
        for at in (0..LANES).step_by(S::F32_LANES) {
            let mut sums = [load::<S>(&biases[0], at); GROUP];
            for (values, weights) in self.group.iter().zip(of_features) {
                let weights = load::<S>(weights, at);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_f32s(simd.splat_f32s(*value), weights, *sum);
                }
            }
            for (logits, sum) in logits.iter_mut().zip(sums) {
                store::<S>(logits, at, sum);
            }
        }
        logits
    }
}

/// An image's loss; its logits become their gradient: the probabilities, less one at its class.
#[inline(always)]
fn error_of(logits: &mut [Logits], image: usize, label: usize) -> f64 {
    let (tile, lane) = (label / LANES, label % LANES);
    let mut largest = [f32::NEG_INFINITY; LANES];
    for rows in logits.iter() {
        for lane in 0..LANES {
            largest[lane] = largest[lane].max(rows[image][lane]);
        }
    }
    let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let own = f64::from(logits[tile][image][lane] - largest);
    let mut sums = [0.0; LANES];
    for rows in logits.iter_mut() {
        for lane in 0..LANES {
            rows[image][lane] = exp(rows[image][lane] - largest);
            sums[lane] += f64::from(rows[image][lane]);
        }
    }
    let sum: f64 = sums.iter().sum();
    let scale = (1.0 / sum) as f32;
    for rows in logits.iter_mut() {
        rows[image].iter_mut().for_each(|lane| *lane *= scale);
    }
    logits[tile][image][lane] -= 1.0;
    sum.ln() - own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(i: usize) -> f64 {
        ((i * 7919) % 1009) as f64 / 500.0 - 1.0
    }

    /// By the definition, in double precision.
    fn plain(
        features: &Matrix<f32>,
        labels: &[u32],
        weights: &[f64],
        classes: usize,
    ) -> (f64, Vec<f64>) {
        let (mut loss, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for (image, label) in labels.iter().enumerate() {
            let with_bias = || {
                features
                    .row(image)
                    .iter()
                    .map(|x| f64::from(*x))
                    .chain([1.0])
            };
            let logit = |class: usize| -> f64 {
                let pairs = with_bias().enumerate();
                pairs
                    .map(|(feature, x)| x * weights[feature * classes + class])
                    .sum()
            };
            let powers: Vec<f64> = (0..classes).map(|class| logit(class).exp()).collect();
            let sum: f64 = powers.iter().sum();
            loss -= (powers[*label as usize] / sum).ln();
            for (class, power) in powers.iter().enumerate() {
                let error = power / sum - f64::from(u8::from(class == *label as usize));
                for (feature, x) in with_bias().enumerate() {
                    gradient[feature * classes + class] += error * x;
                }
            }
        }
        (loss, gradient)
    }

    #[test]
    fn loss_and_gradient_are_those_of_the_definition() {
        for (images, width, classes) in [(1, 1, 2), (9, 5, 3), (700, 20, 16), (300, 7, 35)] {
            let values = (0..images * width).map(|i| value(i) as f32);
            let features = Matrix::new(images, width, values.collect());
            let labels: Vec<u32> = (0..images)
                .map(|i| ((i * i + i / 3) % classes) as u32)
                .collect();
            let weights: Vec<f64> = (0..(width + 1) * classes)
                .map(|i| value(3 * i + 1))
                .collect();
            let (loss, gradient) = Images::new(&features, &labels, classes).losses(&weights);
            let (expected, of_weights) = plain(&features, &labels, &weights, classes);
            assert!(
                (loss - expected).abs() < 1e-5 * expected,
                "{loss}, not {expected}"
            );
            let largest = of_weights
                .iter()
                .fold(0.0, |most: f64, g| most.max(g.abs()));
            for (found, expected) in gradient.iter().zip(&of_weights) {
                assert!(
                    (found - expected).abs() < 1e-5 * largest,
                    "{found}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn logits_that_are_far_apart_give_a_finite_loss() {
        let features = Matrix::new(2, 1, vec![1.0, -1.0]);
        let (loss, gradient) =
            Images::new(&features, &[0, 0], 2).losses(&[300.0, -300.0, 0.0, 0.0]);
        assert!((loss - 600.0).abs() < 1e-3, "{loss}");
        assert!(gradient.iter().all(|g| g.is_finite()));
    }
}
