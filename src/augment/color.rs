//! Brightness, contrast, saturation and hue, to the very pixels of Pillow's `ImageEnhance` and of torchvision's functions
//! over it.

use super::picture::Picture;

/// `ImagingBlend`: from `low` (factor 0) over `high` (1) and beyond.
pub(super) fn blend(low: u8, high: u8, factor: f32) -> u8 {
    let value = f32::from(low) + factor * (f32::from(high) - f32::from(low));
    // Cut, not rounded, and bounded.
    value as u8
}

/// The grey of a pixel, as `Image.convert("L")`.
pub(super) fn grey([r, g, b]: [u8; 3]) -> u8 {
    let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000;
    (sum >> 16) as u8
}

/// `ImageEnhance.Brightness`: 0 is black, 1 the image.
pub(super) fn brightness(picture: &mut Picture, factor: f32) {
    let values = picture.pixels.iter_mut();
    values.for_each(|value| *value = blend(0, *value, factor));
}

/// `ImageEnhance.Contrast`: 0 is the image's mean grey, 1 the image.
pub(super) fn contrast(picture: &mut Picture, factor: f32) {
    let greys: u64 = match picture.rgb() {
        Some(pixels) => pixels.iter().map(|pixel| u64::from(grey(*pixel))).sum(),
        None => picture.pixels.iter().map(|value| u64::from(*value)).sum(),
    };
    let count = picture.pixels.len() / picture.channels.max(1);
    let mean = (greys as f64 / count.max(1) as f64 + 0.5) as u8;
    let values = picture.pixels.iter_mut();
    values.for_each(|value| *value = blend(mean, *value, factor));
}

/// `ImageEnhance.Color`: 0 is grey, 1 the image; a grey image stays as it is.
pub(super) fn saturation(picture: &mut Picture, factor: f32) {
    for pixel in picture.rgb().into_iter().flatten() {
        let grey = grey(*pixel);
        *pixel = pixel.map(|value| blend(grey, value, factor));
    }
}

/// torchvision's `adjust_hue`, by `turn` of the circle; a grey image stays as it is.
pub(super) fn hue(picture: &mut Picture, turn: f64) {
    // As numpy makes a byte of a negative number.
    let turn = (turn * 255.0) as i32 as u8;
    for pixel in picture.rgb().into_iter().flatten() {
        let [h, s, v] = to_hsv(*pixel);
        *pixel = from_hsv([h.wrapping_add(turn), s, v]);
    }
}

/// `rgb2hsv_row` in Pillow's `src/libImaging/Convert.c`.
fn to_hsv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most == least {
        return [0, 0, most];
    }
    let range = f32::from(most - least);
    let s = range / f32::from(most);
    let below = |value: u8| f32::from(most - value) / range;
    let (rc, gc, bc) = (below(r), below(g), below(b));
    let h = if r == most {
        bc - gc
    } else if g == most {
        (2.0 + f64::from(rc) - f64::from(bc)) as f32
    } else {
        (4.0 + f64::from(gc) - f64::from(rc)) as f32
    };
    let h = (f64::from(h) / 6.0 + 1.0) % 1.0;
    [
        (f64::from(h as f32) * 255.0) as u8,
        (f64::from(s) * 255.0) as u8,
        most,
    ]
}

/// `hsv2rgb_row` of the same file.
fn from_hsv([h, s, v]: [u8; 3]) -> [u8; 3] {
    if s == 0 {
        return [v; 3];
    }
    let sector = (f64::from(h) * 6.0 / 255.0).floor();
    let f = (f64::from(h) * 6.0 / 255.0 - sector) as f32;
    let s = (f64::from(s) / 255.0) as f32;
    let (f, s, value) = (f64::from(f), f64::from(s), f64::from(v));
    let part = |part: f64| (value * part).round() as u8;
    let p = part(1.0 - s);
    let q = part(1.0 - s * f);
    let t = part(1.0 - s * (1.0 - f));
    match sector as u8 % 6 {
        0 => [v, t, p],
        1 => [q, v, p],
        2 => [p, v, t],
        3 => [p, q, v],
        4 => [t, p, v],
        _ => [v, p, q],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: impl Fn(&mut Picture)) -> String {
        let mut picture = Picture::example();
        change(&mut picture);
        picture.md5()
    }

    // With Pillow 13.0, x and md5 as in `affine.rs`:
    //   from PIL import ImageEnhance as E
    //   for enhance in [E.Brightness, E.Contrast, E.Color]:
    //       print([md5(enhance(x).enhance(factor)) for factor in (0.3, 1.7)])
    #[test]
    fn enhancements_have_pillows_pixels() {
        type Change = fn(&mut Picture, f32);
        let cases: [(Change, [&str; 2]); 3] = [
            (
                brightness,
                [
                    "01c830b8320877da5f9fdcdba6c0d645",
                    "4144750cbf92cb9ce938b9ed357b6d88",
                ],
            ),
            (
                contrast,
                [
                    "47fc878fad89462e20a8d3667bf5b599",
                    "a21e9841c4d9f5d8f5151560ca2f5e2b",
                ],
            ),
            (
                saturation,
                [
                    "36ebb1b4a7aea2ecd29049220267a469",
                    "0cc24f78275f645a13eac24aaef428af",
                ],
            ),
        ];
        for (change, expected) in cases {
            let found = [0.3, 1.7].map(|factor| changed(|picture| change(picture, factor)));
            assert_eq!(found, expected);
        }
    }

    // torchvision 0.26's `_functional_pil.adjust_hue`:
    //   def hue(x, turn):
    //       h, s, v = x.convert("HSV").split()
    //       h = np.array(h, dtype=np.uint8)
    //       h += np.array(turn * 255).astype(np.uint8)
    //       return Image.merge("HSV", (Image.fromarray(h, "L"), s, v)).convert("RGB")
    //   print([md5(hue(x, turn)) for turn in (0.25, -0.1)])
    #[test]
    fn hues_have_torchvisions_pixels() {
        let found = [0.25, -0.1].map(|turn| changed(|picture| hue(picture, turn)));
        assert_eq!(
            found,
            [
                "2b2d7d71ec6304b0b8fbb98d0546e455",
                "241e25918a87d822f2c8efd52927b8d7"
            ]
        );
    }
}
