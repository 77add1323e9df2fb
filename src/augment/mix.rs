//! `augmentation.mixup` and `cutmix`: training images of a batch mixed with one another, as torchvision's `MixUp` and
//! `CutMix`; where both are asked for, one of them for each batch.

use statrs::distribution::{Beta, ContinuousCDF};

use crate::pixels::Sides;
use crate::rng::{Purpose, Stream};
use crate::spec::Augmentation;

/// How the images of a batch are mixed, each with the one before it, the first with the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// What of an image is its own; the rest is the other's.
    pub share: f32,
    /// The part that is the other's alone, where images are not blended.
    cut: Option<Cut>,
}

/// Rows and columns of a part of an image, ends not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    rows: (usize, usize),
    columns: (usize, usize),
}

impl Mix {
    /// Of the batch with this number in an epoch, of images of this `size`; none where the spec asks for none.
    pub fn draw(
        spec: &Augmentation,
        seed: u64,
        (epoch, batch): (u64, u64),
        size: Sides,
    ) -> Option<Self> {
        let mut stream = Stream::new(seed, Purpose::Mix, epoch, batch);
        let first = stream.uniform() < 0.5;
        let (is_cut, strength) = match (spec.mixup > 0.0, spec.cutmix > 0.0) {
            (false, false) => return None,
            (true, true) if first => (false, spec.mixup),
            (_, true) => (true, spec.cutmix),
            (true, false) => (false, spec.mixup),
        };
        let share = beta(strength, f64::from(stream.uniform()));
        Some(match is_cut {
            true => Mix::cut(share, &mut stream, size),
            false => Mix {
                share: share as f32,
                cut: None,
            },
        })
    }

    /// `CutMix.make_params`: a part around a random pixel; what lies outside of the image counts as the image's own.
    fn cut(share: f64, stream: &mut Stream, size: Sides) -> Self {
        let centre = (
            stream.below(size.width as u32) as usize,
            stream.below(size.height as u32) as usize,
        );
        let around = |at: usize, side: usize| {
            let half = (0.5 * (1.0 - share).sqrt() * side as f64) as usize;
            (at.saturating_sub(half), (at + half).min(side))
        };
        let (columns, rows) = (around(centre.0, size.width), around(centre.1, size.height));
        let area = (rows.1 - rows.0) * (columns.1 - columns.0);
        Mix {
            share: (1.0 - area as f64 / size.pixels() as f64) as f32,
            cut: Some(Cut { rows, columns }),
        }
    }

    /// Mixes the images of a batch, `[batch, height, width, 3]`.
    pub fn apply(self, images: &mut [f32], size: Sides) {
        let length = (size.pixels() * 3).max(1);
        let Some(mut before) = images.chunks_exact(length).next_back().map(<[f32]>::to_vec) else {
            return;
        };
        for image in images.chunks_exact_mut(length) {
            let own = image.to_vec();
            match self.cut {
                None => {
                    let pairs = image.iter_mut().zip(&before);
                    pairs.for_each(|(own, other)| {
                        *own = *own * self.share + other * (1.0 - self.share);
                    });
                }
                Some(Cut { rows, columns }) => {
                    for row in rows.0..rows.1 {
                        let at = |column: usize| (row * size.width + column) * 3;
                        let part = at(columns.0)..at(columns.1);
                        image[part.clone()].copy_from_slice(&before[part]);
                    }
                }
            }
            before = own;
        }
    }

    /// The label of the image that each is mixed with.
    pub fn others(labels: &[u32]) -> Vec<u32> {
        let mut others = labels.to_vec();
        others.rotate_right(1.min(labels.len()));
        others
    }
}

/// The value of a Beta(strength, strength) variable below which `probability` of them lie.
fn beta(strength: f64, probability: f64) -> f64 {
    match Beta::new(strength, strength) {
        Ok(beta) => beta.inverse_cdf(probability).clamp(0.0, 1.0),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(mixup: f64, cutmix: f64) -> Augmentation {
        Augmentation {
            mixup,
            cutmix,
            ..Augmentation::default()
        }
    }

    fn draws(spec: &Augmentation) -> Vec<Mix> {
        let draw = |batch| Mix::draw(spec, 1, (1, batch), Sides::square(8));
        (0..2000).filter_map(draw).collect()
    }

    /// scipy.stats.beta(a, a).ppf(p), SciPy 1.17.
    #[test]
    fn shares_are_beta_distributed() {
        for (strength, probability, expected) in [
            (0.2, 0.25, 0.023814718768253692),
            (0.2, 0.6, 0.7836581411242068),
            (1.0, 0.3, 0.3),
            (4.0, 0.9, 0.7213979514182869),
        ] {
            let found = beta(strength, probability);
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        let shares: Vec<f64> = draws(&spec(0.2, 0.0))
            .iter()
            .map(|mix| mix.share.into())
            .collect();
        let mean = shares.iter().sum::<f64>() / 2000.0;
        let variance = shares
            .iter()
            .map(|share| (share - mean).powi(2))
            .sum::<f64>()
            / 2000.0;
        // 1 / (4 · (2 · 0.2 + 1))
        assert!(
            (mean - 0.5).abs() < 0.03 && (variance - 0.1786).abs() < 0.01,
            "{mean} {variance}"
        );
    }

    #[test]
    fn mixup_blends_each_image_with_the_one_before_it() {
        let mix = Mix {
            share: 0.75,
            cut: None,
        };
        let mut images = vec![4.0, 4.0, 4.0, 8.0, 8.0, 8.0, 0.0, 0.0, 0.0];
        mix.apply(&mut images, Sides::square(1));
        assert_eq!(images, [3.0, 3.0, 3.0, 7.0, 7.0, 7.0, 2.0, 2.0, 2.0]);
        assert_eq!(Mix::others(&[5, 6, 7]), [7, 5, 6]);
        assert_eq!(Mix::others(&[]), [0; 0]);
    }

    #[test]
    fn cutmix_takes_a_part_of_the_other_and_counts_its_pixels() {
        for mix in draws(&spec(0.0, 1.0)) {
            let mut images = [vec![0.0; 8 * 8 * 3], vec![1.0; 8 * 8 * 3]].concat();
            mix.apply(&mut images, Sides::square(8));
            let (first, second) = images.split_at(8 * 8 * 3);
            let own = |image: &[f32], own: f32| {
                image.iter().filter(|value| **value == own).count() as f32 / image.len() as f32
            };
            assert_eq!((own(first, 0.0), own(second, 1.0)), (mix.share, mix.share));
        }
    }

    #[test]
    fn of_both_one_is_taken_for_each_batch() {
        let mixes = draws(&spec(0.2, 1.0));
        let cut = mixes.iter().filter(|mix| mix.cut.is_some()).count();
        assert!((900..1100).contains(&cut), "{cut}");
        assert!(draws(&spec(0.0, 0.0)).is_empty());
    }
}
