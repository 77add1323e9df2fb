//! `augmentation.random_erasing`, as torchvision's `RandomErasing(p, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0)`.

use super::transform::{Slot, Which, between};
use crate::spec::Augmentation;

const SCALE: (f64, f64) = (0.02, 0.33);
const RATIO: (f64, f64) = (0.3, 3.3);
/// So often a part is drawn that may not fit.
const TRIES: usize = 10;

/// Puts zeros into a random part of a normalized image `[height, width, 3]`, with the spec's probability.
pub fn erase(spec: &Augmentation, which: Which, width: usize, image: &mut [[f32; 3]]) {
    let height = image.len() / width.max(1);
    if spec.random_erasing == 0.0 {
        return;
    }
    let mut stream = which.stream(Slot::Erase);
    if f64::from(stream.uniform()) >= spec.random_erasing {
        return;
    }
    for _ in 0..TRIES {
        let target = image.len() as f64 * between(&mut stream, SCALE.0, SCALE.1);
        let ratio = between(&mut stream, RATIO.0.ln(), RATIO.1.ln()).exp();
        let h = (target * ratio).sqrt().round_ties_even() as usize;
        let w = (target / ratio).sqrt().round_ties_even() as usize;
        if h < height && w < width {
            let top = stream.below((height - h + 1) as u32) as usize;
            let left = stream.below((width - w + 1) as u32) as usize;
            let rows = image.chunks_exact_mut(width).skip(top).take(h);
            rows.for_each(|row| row[left..left + w].fill([0.0; 3]));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of 400 pixels are erased, of 2,000 images.
    fn erased(probability: f64) -> Vec<usize> {
        let spec = Augmentation {
            random_erasing: probability,
            ..Augmentation::default()
        };
        let of = |index| {
            let mut image = vec![[1.0; 3]; 400];
            erase(
                &spec,
                Which {
                    seed: 3,
                    epoch: 1,
                    index,
                },
                20,
                &mut image,
            );
            image.iter().filter(|pixel| **pixel == [0.0; 3]).count()
        };
        (0..2000).map(of).collect()
    }

    #[test]
    fn a_quarter_of_the_images_loses_two_to_a_third_of_a_hundred_parts() {
        let erased = erased(0.25);
        let hit: Vec<usize> = erased.into_iter().filter(|count| *count > 0).collect();
        assert!((440..560).contains(&hit.len()), "{}", hit.len());
        // Sides are rounded.
        assert!(hit.iter().all(|count| (4..=150).contains(count)), "{hit:?}");
        let mean = hit.iter().sum::<usize>() as f64 / hit.len() as f64 / 400.0;
        assert!((0.16..0.19).contains(&mean), "{mean}");
    }

    #[test]
    fn without_a_probability_nothing_is_erased() {
        assert!(erased(0.0).iter().all(|count| *count == 0));
        assert!(erased(1.0).iter().filter(|count| **count == 0).count() < 20);
    }
}
