//! Flips, and crops of the padded image.

use super::transform::Transform;
use crate::rng::Stream;
use crate::spec::Augmentation;

/// What happens to one image in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    flip: bool,
    /// How far the crop's corner lies below and right of the image's: `-padding..=padding`.
    down: isize,
    right: isize,
}

impl Change {
    /// Always drawn in this order, so that neither setting changes the other.
    fn draw(spec: &Augmentation, stream: &mut Stream) -> Self {
        let flip = stream.uniform() < 0.5;
        let padding = u32::try_from(spec.random_crop_padding).unwrap_or(u32::MAX / 4);
        let padding = padding.min(u32::MAX / 4);
        let mut shift = || stream.below(2 * padding + 1) as isize - padding as isize;
        Change {
            flip: spec.horizontal_flip && flip,
            down: shift(),
            right: shift(),
        }
    }

    /// The changed image; where the crop leaves the image, it is black.
    fn apply<const C: usize>(self, image: &[[u8; C]], width: usize, out: &mut [[u8; C]]) {
        let height = image.len() / width.max(1);
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            let y = y.checked_add_signed(self.down).filter(|y| *y < height);
            for (x, out) in out.iter_mut().enumerate() {
                let x = if self.flip { width - 1 - x } else { x };
                let x = x.checked_add_signed(self.right).filter(|x| *x < width);
                *out = match (y, x) {
                    (Some(y), Some(x)) => image[y * width + x],
                    _ => [0; C],
                };
            }
        }
    }
}

/// `augmentation.horizontal_flip` and `random_crop_padding`: padded with zeros, cropped, then mirrored.
pub(super) const TRANSFORM: Transform = Transform {
    is_active: |spec| spec.horizontal_flip || spec.random_crop_padding > 0,
    apply: |draws, stream, picture| {
        let change = Change::draw(draws.spec, stream);
        picture.replace(picture.sides(), |from, out| match from.channels {
            1 => change.apply(
                from.pixels.as_chunks::<1>().0,
                from.width,
                out.as_chunks_mut::<1>().0,
            ),
            _ => change.apply(
                from.pixels.as_chunks::<3>().0,
                from.width,
                out.as_chunks_mut::<3>().0,
            ),
        });
    },
};

/// `augmentation.vertical_flip`: mirrored top to bottom with probability one half, as torchvision's `RandomVerticalFlip`.
pub(super) const VERTICAL: Transform = Transform {
    is_active: |spec| spec.vertical_flip,
    apply: |_, stream, picture| {
        if stream.uniform() < 0.5 {
            picture.replace(picture.sides(), |from, out| {
                let row = (from.width * from.channels).max(1);
                let rows = from.pixels.chunks_exact(row).rev();
                let pairs = out.chunks_exact_mut(row).zip(rows);
                pairs.for_each(|(out, row)| out.copy_from_slice(row));
            });
        }
    },
};

#[cfg(test)]
mod tests {
    use super::super::picture::Picture;
    use super::super::transform::{Draws, Slot, Which};
    use super::*;

    fn spec(random_crop_padding: usize) -> Augmentation {
        Augmentation {
            horizontal_flip: true,
            random_crop_padding,
            ..Augmentation::default()
        }
    }

    fn draw(spec: &Augmentation, seed: u64, epoch: u64, index: u32) -> Change {
        let which = Which { seed, epoch, index };
        Change::draw(spec, &mut which.stream(Slot::Shift))
    }

    fn changed(flip: bool, down: isize, right: isize) -> Vec<u8> {
        let image = [[1], [2], [3], [4], [5], [6]];
        let mut out = [[9]; 6];
        Change { flip, down, right }.apply(&image, 3, &mut out);
        out.concat()
    }

    #[test]
    fn flips_mirror_left_to_right() {
        assert_eq!(changed(true, 0, 0), [3, 2, 1, 6, 5, 4]);
    }

    #[test]
    fn crops_are_padded_with_zeros() {
        assert_eq!(changed(false, 0, 0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(changed(false, 1, 0), [4, 5, 6, 0, 0, 0]);
        assert_eq!(changed(false, 0, -2), [0, 0, 1, 0, 0, 4]);
        assert_eq!(changed(true, -1, 1), [0, 0, 0, 0, 3, 2]);
        assert_eq!(changed(false, 5, 0), [0; 6]);
    }

    #[test]
    fn draws_cover_all_shifts_and_both_sides_evenly() {
        let draws: Vec<Change> = (0..5000).map(|i| draw(&spec(2), 1, 2, i)).collect();
        let share = |f: &dyn Fn(&Change) -> bool| draws.iter().filter(|c| f(c)).count();
        assert!((2350..2650).contains(&share(&|c| c.flip)));
        for shift in -2..=2 {
            assert!((900..1100).contains(&share(&|c| c.down == shift)));
            assert!((900..1100).contains(&share(&|c| c.right == shift)));
        }
    }

    #[test]
    fn draws_depend_on_the_epoch_and_the_image() {
        let of = |epoch| {
            (0..20)
                .map(|i| draw(&spec(2), 1, epoch, i))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn cropping_does_not_change_which_images_are_mirrored() {
        for i in 0..50 {
            let (with, without) = (draw(&spec(2), 3, 1, i), draw(&spec(0), 3, 1, i));
            assert_eq!(with.flip, without.flip);
        }
    }

    #[test]
    fn vertical_flips_mirror_half_of_the_images_top_to_bottom() {
        let flipped = |index| {
            let mut picture = Picture::default();
            picture.set(&[1, 2, 3, 4, 5, 6], (3, 2, 1));
            let which = Which {
                seed: 0,
                epoch: 1,
                index,
            };
            let draws = Draws {
                spec: &spec(0),
                size: crate::pixels::Sides::square(1),
                interpolation: crate::spec::Interpolation::Bilinear,
            };
            (VERTICAL.apply)(&draws, &mut which.stream(Slot::VerticalFlip), &mut picture);
            picture.pixels
        };
        let all: Vec<Vec<u8>> = (0..1000).map(flipped).collect();
        let mirrored = all.iter().filter(|pixels| **pixels == [5, 6, 3, 4, 1, 2]);
        assert!((450..550).contains(&mirrored.count()));
        assert!(all.iter().any(|pixels| *pixels == [1, 2, 3, 4, 5, 6]));
    }
}
