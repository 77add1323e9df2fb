//! `augmentation.random_resized_crop`, as torchvision's `RandomResizedCrop`.

use super::picture::Picture;
use super::transform::{Draws, Transform, between};
use crate::pixels::Sides;
use crate::resize::{Frame, Resampler};
use crate::rng::Stream;
use crate::spec::{Interpolation, RandomResizedCrop};

pub(super) const TRANSFORM: Transform = Transform {
    is_active: |spec| spec.random_resized_crop.is_some(),
    apply,
};

/// So often a part is drawn that may not fit.
const TRIES: usize = 10;

fn apply(draws: &Draws<'_>, stream: &mut Stream, picture: &mut Picture) {
    let spec = draws.spec.random_resized_crop.unwrap_or_default();
    let part = Part::draw(&spec, stream, picture.sides());
    part.resize(picture, draws.size, draws.interpolation);
}

/// A part of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

impl Part {
    /// `RandomResizedCrop.get_params`.
    fn draw(
        spec: &RandomResizedCrop,
        stream: &mut Stream,
        (height, width): (usize, usize),
    ) -> Self {
        let area = (height * width) as f64;
        let ([least, most], [narrow, wide]) = (spec.scale, spec.ratio);
        for _ in 0..TRIES {
            let target = area * between(stream, least, most);
            let ratio = between(stream, narrow.ln(), wide.ln()).exp();
            let w = (target * ratio).sqrt().round_ties_even() as usize;
            let h = (target / ratio).sqrt().round_ties_even() as usize;
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                return Part {
                    top: stream.below((height - h + 1) as u32) as usize,
                    left: stream.below((width - w + 1) as u32) as usize,
                    height: h,
                    width: w,
                };
            }
        }
        Part::centre(spec, (height, width))
    }

    /// As much of the image as has an allowed ratio.
    fn centre(spec: &RandomResizedCrop, (height, width): (usize, usize)) -> Self {
        let [narrow, wide] = spec.ratio;
        let ratio = width as f64 / height as f64;
        let (h, w) = if ratio < narrow {
            ((width as f64 / narrow).round_ties_even() as usize, width)
        } else if ratio > wide {
            (height, (height as f64 * wide).round_ties_even() as usize)
        } else {
            (height, width)
        };
        let (h, w) = (h.clamp(1, height), w.clamp(1, width));
        Part {
            top: (height - h) / 2,
            left: (width - w) / 2,
            height: h,
            width: w,
        }
    }

    /// Brings this part of a picture to a `size`; what lies around it does not count.
    fn resize(self, picture: &mut Picture, size: Sides, interpolation: Interpolation) {
        let frame = Frame {
            resized: size.pair(),
            rows: 0..size.height,
            columns: 0..size.width,
            at: (0, 0),
            width: size.width,
        };
        let sides = (self.height, self.width);
        let resampler = Resampler::new(sides, &frame, interpolation);
        picture.replace(sides, |from, out| self.copy(from, out));
        picture.replace(size.pair(), |from, out| match from.channels {
            1 => resampler.resample::<1>(&from.pixels, &mut Vec::new(), out),
            _ => resampler.resample::<3>(&from.pixels, &mut Vec::new(), out),
        });
    }

    fn copy(self, from: &Picture, out: &mut [u8]) {
        let (stride, length) = (from.width * from.channels, self.width * from.channels);
        let rows = from.pixels.chunks_exact(stride.max(1)).skip(self.top);
        let left = self.left * from.channels;
        for (row, out) in rows.zip(out.chunks_exact_mut(length.max(1))) {
            out.copy_from_slice(&row[left..left + length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transform::{Slot, Which};
    use super::*;

    // With Pillow 13.0, x and md5 as in `affine.rs`:
    //   print(md5(x.crop((2, 1, 8, 6)).resize((4, 4), Image.BILINEAR)))
    //   print(md5(x.crop((2, 1, 8, 6)).resize((8, 8), Image.BICUBIC)))
    #[test]
    fn resized_parts_have_pillows_pixels() {
        let part = Part {
            top: 1,
            left: 2,
            height: 5,
            width: 6,
        };
        let of = |size, interpolation| {
            let mut picture = Picture::example();
            part.resize(&mut picture, Sides::square(size), interpolation);
            (picture.sides(), picture.md5())
        };
        let small = of(4, Interpolation::Bilinear);
        assert_eq!(small, ((4, 4), "7f0e4e51ad002a52d32ebb10e3fe84df".into()));
        let large = of(8, Interpolation::Bicubic);
        assert_eq!(large, ((8, 8), "0efa93f13d70a1cd08e399a9e08940f7".into()));
    }

    fn draws(spec: RandomResizedCrop, sides: (usize, usize)) -> impl Iterator<Item = Part> {
        let which = |index| Which {
            seed: 5,
            epoch: 2,
            index,
        };
        (0..500).map(move |i| Part::draw(&spec, &mut which(i).stream(Slot::Crop), sides))
    }

    #[test]
    fn parts_have_the_area_and_the_ratio_of_the_spec() {
        let spec = RandomResizedCrop {
            scale: [0.25, 0.5],
            ratio: [0.5, 2.0],
        };
        let mut areas = Vec::new();
        for part in draws(spec, (300, 400)) {
            let (h, w) = (part.height as f64, part.width as f64);
            let (share, ratio) = (h * w / 120_000.0, w / h);
            // Sides are rounded.
            assert!((0.245..0.505).contains(&share), "{part:?}");
            assert!((0.49..2.02).contains(&ratio), "{part:?}");
            assert!(part.top + part.height <= 300 && part.left + part.width <= 400);
            areas.push(share);
        }
        let mean = areas.iter().sum::<f64>() / 500.0;
        assert!((0.365..0.385).contains(&mean), "{mean}");
    }

    #[test]
    fn where_no_part_fits_the_centre_is_taken() {
        let spec = RandomResizedCrop {
            scale: [1.0, 1.0],
            ..RandomResizedCrop::default()
        };
        let centre = Part {
            top: 0,
            left: 83,
            height: 100,
            width: 133,
        };
        assert!(draws(spec, (100, 300)).all(|part| part == centre));
    }
}
