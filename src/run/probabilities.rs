//! Every class's probability for the images of a part, as far as they are kept.

/// So many probabilities are kept of a run, 64 MiB: of 16,777 images of 1,000 classes.
const MOST: usize = 1 << 24;

/// Of every image, or, where that would be more than [`MOST`] numbers, of every second, third, … one.
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities {
    classes: usize,
    /// The index of every image of which they are kept is a multiple of this.
    every: usize,
    values: Vec<f32>,
}

impl Probabilities {
    /// With room for a part of so many images.
    pub fn new(images: usize, classes: usize) -> Self {
        Probabilities::within(MOST, images, classes)
    }

    fn within(most: usize, images: usize, classes: usize) -> Self {
        let every = images.saturating_mul(classes).div_ceil(most).max(1);
        Probabilities {
            classes,
            every,
            values: Vec::with_capacity(images.div_ceil(every).saturating_mul(classes)),
        }
    }

    /// What those of a part of so many images take, in bytes.
    pub fn bytes(images: usize, classes: usize) -> u64 {
        (images.saturating_mul(classes).min(MOST) as u64).saturating_mul(size_of::<f32>() as u64)
    }

    /// Of which images they are kept: 1 of all, 2 of every second one, …
    pub fn every(&self) -> usize {
        self.every
    }

    /// Adds those of the image with this index; images come in order.
    pub fn add(&mut self, image: usize, probabilities: &[f32]) {
        if image.is_multiple_of(self.every) {
            self.values.extend_from_slice(probabilities);
        }
    }

    /// Those of the image with this index, where they are kept.
    pub fn of(&self, image: usize) -> Option<&[f32]> {
        let place = (image / self.every).checked_mul(self.classes)?;
        let is_kept = image.is_multiple_of(self.every);
        let of_image = self.values.get(place..place.checked_add(self.classes)?);
        of_image.filter(|_| is_kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_all_images_are_kept_where_there_is_room_and_else_of_some_far_apart() {
        let kept_of = |most| {
            let mut kept = Probabilities::within(most, 5, 2);
            for image in 0..5 {
                kept.add(image, &[image as f32, 0.5]);
            }
            let first = |image| kept.of(image).map(|values| values[0]);
            (0..6).map(first).collect::<Vec<_>>()
        };
        let (all, none) = ((0..5).map(|i| Some(i as f32)), [None]);
        assert_eq!(kept_of(10), all.chain(none).collect::<Vec<_>>());
        assert_eq!(
            kept_of(9),
            [Some(0.0), None, Some(2.0), None, Some(4.0), None]
        );
        assert_eq!(Probabilities::bytes(50_000, 1000), 64 << 20);
    }
}
