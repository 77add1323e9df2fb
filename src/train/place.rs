//! Which images of an epoch a batch has, and which batches a step.

use crate::graph::Mode;

/// A step's random values are drawn by its number; those of its further batches by numbers that no step has.
const OF_FURTHER_BATCHES: u32 = 40;

/// A batch and its place in its epoch.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// From 1.
    pub epoch: usize,
    /// From 1.
    pub batch: usize,
    /// The epoch's images in their order.
    pub order: &'a [u32],
    pub batch_size: usize,
    /// Batches of a step; of an epoch's last step there may be fewer.
    pub accumulate: usize,
}

impl<'a> Place<'a> {
    /// How many batches the epoch has.
    pub fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// The batch's images.
    pub fn images(&self) -> &'a [u32] {
        let mut batches = self.order.chunks(self.batch_size);
        batches.nth(self.batch - 1).unwrap_or_default()
    }

    /// Batches of its step that were before it.
    fn before(&self) -> usize {
        (self.batch - 1) % self.accumulate
    }

    /// Whether its step is done with it.
    pub fn ends_step(&self) -> bool {
        self.before() + 1 == self.accumulate || self.batch == self.batches()
    }

    /// The part of its step's images that are its own.
    pub fn share(&self) -> f64 {
        let of_steps = self.batch_size * self.accumulate;
        let mut steps = self.order.chunks(of_steps);
        let of_step = steps.nth((self.batch - 1) / self.accumulate);
        self.images().len() as f64 / of_step.map_or(1, <[u32]>::len) as f64
    }

    /// The pass of a step with this number.
    pub fn mode(&self, seed: u64, step: u64) -> Mode {
        let step = step | ((self.before() as u64) << OF_FURTHER_BATCHES);
        Mode::Train { seed, step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_all_its_batches_and_the_last_what_is_left() {
        let order: Vec<u32> = (0..11).collect();
        let place = |batch| Place {
            epoch: 1,
            batch,
            order: &order,
            batch_size: 2,
            accumulate: 4,
        };
        let ends: Vec<usize> = (1..=6).filter(|batch| place(*batch).ends_step()).collect();
        assert_eq!((place(1).batches(), ends), (6, vec![4, 6]));
        assert_eq!(place(2).images(), [2, 3]);
        assert_eq!((place(4).share(), place(5).share()), (0.25, 2.0 / 3.0));
        assert_eq!(
            (place(6).images(), place(6).share()),
            (&[10][..], 1.0 / 3.0)
        );
        // The first batch of a step draws as a step of one batch does, the others otherwise.
        let mode = |batch, step| place(batch).mode(7, step);
        assert_eq!(mode(5, 1), Mode::Train { seed: 7, step: 1 });
        assert!(mode(6, 1) != mode(5, 1) && mode(6, 1) != mode(2, 0));
    }
}
