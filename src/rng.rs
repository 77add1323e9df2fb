//! The one source of randomness: a value depends on (seed, purpose, epoch, index), never on order or threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// What random values are drawn for; equal coordinates give unrelated values for different purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights; index: [`name_index`] of the tensor.
    Init = 1,
    /// The order of training images; index 0.
    Shuffle = 2,
    /// Dropout masks; epoch: the step, index: [`name_index`] of the layer.
    Dropout = 3,
    /// Flips and crops; index: the image's place in the training part.
    Augmentation = 4,
    /// Validation images; index: the class, or 0.
    Split = 5,
    /// Points of a random sweep; index 0.
    Sweep = 6,
    /// Samples for which a residual branch is dropped; epoch: the step, index: [`name_index`] of the layer.
    DropPath = 7,
    /// Images that an epoch draws; index: 0 for which classes give one more, 1 + the class for its images.
    Sampler = 8,
    /// How the images of a batch are mixed; index: the batch's number in the epoch, from 0.
    Mix = 9,
}

/// A counter-based generator: ChaCha8 keyed by (seed, purpose, epoch), its stream chosen by the index.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The values for these coordinates, from the first.
    pub fn new(seed: u64, purpose: Purpose, epoch: u64, index: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&epoch.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Stream(rng)
    }

    /// Goes to value number `n` of the 32-bit values (and of [`Self::uniform`]).
    pub fn seek(&mut self, n: u64) {
        self.0.set_word_pos(u128::from(n));
    }

    /// What the values follow from: the eight words of the key and the two of the index, as ChaCha's block has them.
    #[cfg(feature = "cuda")]
    pub fn words(&self) -> [u32; 10] {
        let mut words = [0; 10];
        let key = self.0.get_seed();
        for (word, bytes) in words.iter_mut().zip(key.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let index = self.0.get_stream();
        words[8] = index as u32;
        words[9] = (index >> 32) as u32;
        words
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A value in [0, 1), with 24 random bits.
    pub fn uniform(&mut self) -> f32 {
        unit(self.0.next_u32())
    }

    /// The next values of [`Self::uniform`], drawn faster than one by one.
    pub fn fill_uniform(&mut self, values: &mut [f32]) {
        let mut drawn = [[0u8; 4]; 256];
        for values in values.chunks_mut(drawn.len()) {
            let drawn = &mut drawn[..values.len()];
            self.0.fill_bytes(drawn.as_flattened_mut());
            for (value, bytes) in values.iter_mut().zip(drawn) {
                *value = unit(u32::from_le_bytes(*bytes));
            }
        }
    }

    /// An integer in `0..n` (Lemire's unbiased multiply-shift), 0 for `n` = 0.
    pub fn below(&mut self, n: u32) -> u32 {
        let threshold = n.wrapping_neg().checked_rem(n).unwrap_or(0);
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(n);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Reorders `items` (Fisher and Yates); fewer than 2^32 of them.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}

/// In [0, 1), from the upper 24 bits.
fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// A fixed number for a name (64-bit FNV-1a), so that a layer's values depend on its name alone.
pub fn name_index(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, purpose: Purpose, epoch: u64, index: u64) -> u32 {
        Stream::new(seed, purpose, epoch, index).bits()
    }

    #[test]
    fn every_coordinate_changes_the_values() {
        let base = first(1, Purpose::Init, 2, 3);
        assert_eq!(base, first(1, Purpose::Init, 2, 3));
        for other in [
            first(2, Purpose::Init, 2, 3),
            first(1, Purpose::Shuffle, 2, 3),
            first(1, Purpose::Init, 3, 3),
            first(1, Purpose::Init, 2, 4),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn seek_reaches_the_same_value_as_drawing() {
        let mut drawn = Stream::new(7, Purpose::Dropout, 0, 0);
        let values: Vec<f32> = (0..100).map(|_| drawn.uniform()).collect();
        for n in [0, 1, 15, 16, 63, 64, 99] {
            let mut sought = Stream::new(7, Purpose::Dropout, 0, 0);
            sought.seek(n as u64);
            assert_eq!(sought.uniform(), values[n]);
        }
    }

    #[test]
    fn filling_draws_the_same_values_as_one_by_one() {
        let mut drawn = Stream::new(7, Purpose::Init, 0, 3);
        let mut filled = drawn.clone();
        for length in [1, 15, 700, 256, 3] {
            let mut values = vec![0f32; length];
            filled.fill_uniform(&mut values);
            for value in values {
                assert_eq!(value, drawn.uniform());
            }
        }
    }

    #[test]
    fn uniform_has_the_mean_and_variance_of_a_uniform_value() {
        let mut stream = Stream::new(0, Purpose::Init, 0, 0);
        let values: Vec<f64> = (0..100_000).map(|_| f64::from(stream.uniform())).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
    }

    #[test]
    fn below_is_even_and_in_range() {
        let mut stream = Stream::new(3, Purpose::Shuffle, 0, 0);
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[stream.below(7) as usize] += 1);
        assert!(
            counts.iter().all(|c| (9_500..10_500).contains(c)),
            "{counts:?}"
        );
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Stream::new(5, Purpose::Shuffle, 1, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
