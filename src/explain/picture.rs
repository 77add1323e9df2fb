//! Heat over the image that the network saw.

use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::colours::color;
use super::heat::Heat;
use crate::pixels::Sides;

/// What is left of an image's colours, so that those of the heat stand out.
const COLOUR: f32 = 0.35;
/// How much of an image is covered where there is the most heat.
const COVER: f32 = 0.7;

/// An image `[height, width, 3]` of bytes with the heat over it, as a PNG file of at least `smallest` pixels a side: of
/// smaller images each pixel is a square of some.
///
/// # Errors
/// What cannot be encoded.
pub(super) fn png(
    pixels: &[u8],
    size: Sides,
    smallest: usize,
    heat: &Heat,
) -> Result<Vec<u8>, ImageError> {
    let times = smallest.div_ceil(size.shorter().max(1)).max(1);
    let (height, width) = (size.height * times, size.width * times);
    let heat = heat.stretched((height, width));
    let mut picture = vec![0u8; height * width * 3];
    for (i, out) in picture.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (y, x) = (i / width / times, i % width / times);
        let pixel = pixels.as_chunks::<3>().0.get(y * size.width + x);
        let pixel = pixel.copied().unwrap_or_default();
        *out = blended(pixel, heat.get(i).copied().unwrap_or(0.0));
    }
    let mut png = Cursor::new(Vec::new());
    let (width, height) = (width as u32, height as u32);
    PngEncoder::new(&mut png).write_image(&picture, width, height, ExtendedColorType::Rgb8)?;
    Ok(png.into_inner())
}

fn blended(pixel: [u8; 3], heat: f32) -> [u8; 3] {
    let pixel = pixel.map(f32::from);
    // Rec. 601, as Pillow's "L".
    let grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    let (glow, cover) = (color(heat), COVER * heat.sqrt());
    std::array::from_fn(|c| {
        let seen = grey + (pixel[c] - grey) * COLOUR;
        (seen + (glow[c] - seen) * cover).round().clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_image_is_shown_larger_and_glows_where_there_is_heat() {
        let pixels = [90u8; 4 * 4 * 3];
        let heat = Heat {
            height: 1,
            width: 2,
            values: vec![0.0, 3.0],
        };
        let png = png(&pixels, Sides::square(4), 224, &heat).unwrap();
        let picture = image::load_from_memory(&png).unwrap().into_rgb8();
        assert_eq!(picture.dimensions(), (224, 224));
        assert_eq!(picture.get_pixel(0, 100).0, [90; 3]);
        let [red, green, blue] = picture.get_pixel(223, 100).0;
        assert!(red > 180 && green > 180 && blue < red);
    }

    #[test]
    fn an_image_that_is_no_square_keeps_its_shape() {
        let mut pixels = [0u8; 2 * 3 * 3];
        pixels[(3 + 2) * 3..].fill(200);
        let heat = Heat {
            height: 1,
            width: 1,
            values: vec![0.0],
        };
        let size = Sides {
            height: 2,
            width: 3,
        };
        let picture = image::load_from_memory(&png(&pixels, size, 4, &heat).unwrap()).unwrap();
        let picture = picture.into_rgb8();
        assert_eq!(picture.dimensions(), (6, 4));
        assert_eq!(picture.get_pixel(5, 3).0, [200; 3]);
        assert_eq!(
            (picture.get_pixel(3, 3).0, picture.get_pixel(5, 1).0),
            ([0; 3], [0; 3])
        );
    }
}
