//! Sharpness and changes of values alone, to the very pixels of Pillow's `ImageEnhance` and `ImageOps`.

use super::color::blend;
use super::picture::Picture;

/// `ImageEnhance.Sharpness`: 0 is smoothed, 1 the image.
pub(super) fn sharpness(picture: &mut Picture, factor: f32) {
    picture.replace(picture.sides(), |from, out| {
        smooth(from, out);
        let pairs = out.iter_mut().zip(&from.pixels);
        pairs.for_each(|(out, own)| *out = blend(*out, *own, factor));
    });
}

/// `ImageFilter.SMOOTH`, by `ImagingFilter3x3` in Pillow's `src/libImaging/Filter.c`; the border stays.
fn smooth(from: &Picture, out: &mut [u8]) {
    out.copy_from_slice(&from.pixels);
    let (height, width) = from.sides();
    let (stride, step) = (width * from.channels, from.channels);
    let (weight, middle) = (1.0 / 13.0f32, 5.0 / 13.0f32);
    for y in 1..height.saturating_sub(1) {
        let first = y * stride + step;
        let inner = &mut out[first..((y + 1) * stride).saturating_sub(step).max(first)];
        for (at, out) in (first..).zip(inner) {
            let row = |centre: usize, own: f32| {
                let value = |at: usize| f32::from(from.pixels[at]);
                value(centre - step) * weight + value(centre) * own + value(centre + step) * weight
            };
            let mut sum = 0.5;
            sum += row(at + stride, weight);
            sum += row(at, middle);
            sum += row(at - stride, weight);
            *out = sum as u8;
        }
    }
}

/// `ImageOps.posterize`: the upper `bits` of each value stay.
pub(super) fn posterize(picture: &mut Picture, bits: u32) {
    let mask = 0xffu8.checked_shl(8 - bits.min(8)).unwrap_or(0);
    picture.pixels.iter_mut().for_each(|value| *value &= mask);
}

/// `ImageOps.solarize`: values from the threshold on are inverted.
pub(super) fn solarize(picture: &mut Picture, threshold: f64) {
    let values = picture.pixels.iter_mut();
    let bright = values.filter(|value| f64::from(**value) >= threshold);
    bright.for_each(|value| *value = 255 - *value);
}

/// `ImageOps.autocontrast`: each channel's darkest value becomes 0, its brightest 255.
pub(super) fn autocontrast(picture: &mut Picture) {
    look_up(picture, |histogram| {
        let low = histogram.iter().position(|count| *count > 0)?;
        let high = histogram.iter().rposition(|count| *count > 0)?;
        if high <= low {
            return None;
        }
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        Some(std::array::from_fn(|value| {
            (value as f64 * scale + offset) as u8
        }))
    });
}

/// `ImageOps.equalize`: each channel's values become equally frequent.
pub(super) fn equalize(picture: &mut Picture) {
    look_up(picture, |histogram| {
        let highest = histogram.iter().rfind(|count| **count > 0)?;
        let step = (histogram.iter().sum::<usize>() - highest) / 255;
        if histogram.iter().filter(|count| **count > 0).count() <= 1 || step == 0 {
            return None;
        }
        let mut n = step / 2;
        Some(std::array::from_fn(|value| {
            let new = (n / step).min(255) as u8;
            n += histogram[value];
            new
        }))
    });
}

/// Replaces each channel's values by a table made of how often they occur; none leaves the channel as it is.
fn look_up(picture: &mut Picture, table: impl Fn(&[usize; 256]) -> Option<[u8; 256]>) {
    let channels = picture.channels.max(1);
    for channel in 0..channels {
        let mut histogram = [0; 256];
        let values = picture.pixels.iter().skip(channel).step_by(channels);
        values.for_each(|value| histogram[usize::from(*value)] += 1);
        if let Some(table) = table(&histogram) {
            let values = picture.pixels.iter_mut().skip(channel).step_by(channels);
            values.for_each(|value| *value = table[usize::from(*value)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(mut picture: Picture, change: impl Fn(&mut Picture)) -> String {
        change(&mut picture);
        picture.md5()
    }

    // With Pillow 13.0, x and md5 as in `affine.rs`:
    //   from PIL import ImageEnhance as E, ImageOps as O
    //   print([md5(E.Sharpness(x).enhance(factor)) for factor in (0.1, 1.9)])
    //   print([md5(O.posterize(x, bits)) for bits in (8, 2)])
    //   print([md5(O.solarize(x, threshold)) for threshold in (255, 93.5)])
    #[test]
    fn values_change_to_pillows() {
        let of = |change: &dyn Fn(&mut Picture)| changed(Picture::example(), change);
        assert_eq!(
            of(&|p| sharpness(p, 0.1)),
            "03fe18bba097d6af66b7be9a5d80736e"
        );
        assert_eq!(
            of(&|p| sharpness(p, 1.9)),
            "91219ac99d0f0acdd981d22491891a21"
        );
        assert_eq!(of(&|p| posterize(p, 8)), "2a5c4e699c714fbe03e7fca0fd5c5fa4");
        assert_eq!(of(&|p| posterize(p, 2)), "29850e5b8c5119d727115ba981e940dc");
        assert_eq!(
            of(&|p| solarize(p, 255.0)),
            "2a5c4e699c714fbe03e7fca0fd5c5fa4"
        );
        assert_eq!(
            of(&|p| solarize(p, 93.5)),
            "4e521f69b14affaec8434a097822e1ba"
        );
    }

    // y = Image.fromarray((np.arange(3072).reshape(32, 32, 3) ** 2 * 37 % 211 // 2 + 20).astype("uint8"))
    // print(md5(O.autocontrast(y)), md5(O.equalize(y)))
    #[test]
    fn contrast_is_spread_as_by_pillow() {
        let pixels: Vec<u8> = (0..3072usize)
            .map(|i| (i * i * 37 % 211 / 2 + 20) as u8)
            .collect();
        let mut picture = Picture::default();
        picture.set(&pixels, (32, 32, 3));
        assert_eq!(
            changed(picture.clone(), autocontrast),
            "651c927baf9373ee8a8be9ed26adafac"
        );
        assert_eq!(
            changed(picture, equalize),
            "6ffb6cafb3aa03023e74c7770ae68bc5"
        );
    }
}
