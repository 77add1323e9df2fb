//! Photos and stored images get the network's size by Pillow's pixels.
//!
//! The expected numbers, with Pillow 13.0.0, which takes the rows first of `pattern(9, 4)`:
//!
//! ```python
//! def pattern(h, w): return ((np.arange(h * w * 3) * 37 + 11) % 256).astype(np.uint8).reshape(h, w, 3)
//! def crop(im, size, shorter, how):          # torchvision's Resize(shorter, how) and CenterCrop(size)
//!     w, h = im.size
//!     long = int(shorter * max(w, h) / min(w, h))
//!     im = im.resize((shorter, long) if w <= h else (long, shorter), how)
//!     left, top = int(round((im.width - size) / 2)), int(round((im.height - size) / 2))
//!     return im.crop((left, top, left + size, top + size))
//! Image.fromarray(pattern(5, 8)).resize((3, 3), how)          # squashed; grown: pattern(2, 3) to (4, 4)
//! crop(Image.fromarray(pattern(5, 8)), 3, 4, how)             # and crop(pattern(9, 4), 3, 3)
//! ImageOps.pad(Image.fromarray(pattern(5, 8)), (4, 4), how)
//! # for (3, 4), which is no square, with timm 1.0.29's ResizeKeepRatio, for `from` = (5, 8) and (9, 4):
//! Image.fromarray(pattern(*from)).resize((4, 3), how)
//! T.CenterCrop((3, 4))(ResizeKeepRatio((4, 5), interpolation="bicubic")(Image.fromarray(pattern(*from))))
//! ImageOps.pad(Image.fromarray(pattern(*from)), (4, 3), how)
//! # photos: a = np.asarray(...); a.sum(), a[112, 37], a[50, 200]
//! ```

use candle_core::Device;
use runner::data::{Batches, Fit, Images, Normalizer, Part, Resizing, View};
use runner::pixels::Sides;
use runner::spec::Interpolation::{self, Bicubic, Bilinear};
use runner::spec::{Normalization, Resize};

use crate::common::shared;

fn resizing(size: impl Into<Sides>, fit: Fit, interpolation: Interpolation) -> Resizing {
    Resizing {
        size: size.into(),
        fit,
        interpolation,
    }
}

fn pattern(height: usize, width: usize) -> image::RgbImage {
    let values = (0..height * width * 3).map(|i| ((i * 37 + 11) % 256) as u8);
    image::RgbImage::from_raw(width as u32, height as u32, values.collect()).unwrap()
}

/// As a photo is read.
fn read(image: &image::RgbImage, resizing: &Resizing) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    image.save(&path).unwrap();
    let part = Part::of_file(&path, Some(resizing)).unwrap();
    part.images.data
}

#[test]
#[rustfmt::skip]
fn pixels_are_pillows() {
    let (crop, turned) = (Fit::Crop { shorter: 4 }, Fit::Crop { shorter: 3 });
    for (from, size, fit, interpolation, expected) in [
        ((5, 8), 3, Fit::Squash, Bicubic, &[137, 93, 127, 144, 154, 104, 95, 135, 165, 175, 119, 115, 127, 168, 91, 80, 120, 154, 160, 106, 97, 110, 154, 129, 118, 106, 148][..]),
        ((2, 3), 4, Fit::Squash, Bicubic, &[0, 35, 71, 65, 121, 174, 173, 106, 159, 255, 0, 35, 21, 58, 98, 93, 144, 144, 167, 129, 129, 199, 22, 62, 66, 103, 151, 148, 189, 84, 157, 174, 69, 86, 67, 115, 89, 126, 178, 176, 212, 54, 151, 197, 39, 29, 90, 142]),
        ((5, 8), 3, crop, Bilinear, &[145, 129, 108, 138, 175, 84, 108, 145, 182, 147, 184, 87, 117, 154, 110, 99, 136, 173, 138, 175, 78, 108, 145, 101, 89, 126, 163]),
        ((5, 8), 3, crop, Bicubic, &[145, 124, 107, 140, 184, 75, 109, 146, 190, 147, 195, 82, 118, 155, 108, 99, 136, 177, 137, 182, 72, 108, 145, 92, 89, 125, 167]),
        ((9, 4), 3, turned, Bilinear, &[141, 110, 147, 129, 152, 146, 117, 154, 145, 163, 132, 70, 123, 146, 140, 83, 120, 111, 125, 119, 136, 124, 90, 127, 123, 160, 98]),
        ((9, 4), 3, turned, Bicubic, &[142, 100, 158, 130, 159, 145, 117, 156, 148, 171, 129, 51, 124, 153, 145, 76, 114, 107, 120, 125, 143, 123, 74, 129, 125, 171, 95]),
        ((5, 8), 4, Fit::Pad, Bilinear, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 149, 99, 128, 153, 145, 99, 119, 156, 126, 87, 124, 161, 168, 95, 112, 137, 159, 93, 103, 140, 141, 106, 108, 145, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ((5, 8), 4, Fit::Pad, Bicubic, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 146, 95, 132, 157, 145, 94, 120, 160, 122, 82, 123, 167, 173, 88, 112, 135, 168, 87, 98, 139, 145, 109, 104, 145, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        let resizing = resizing(size, fit, interpolation);
        assert_eq!(read(&pattern(from.0, from.1), &resizing), expected, "{from:?} {resizing:?}");
    }
}

#[test]
#[rustfmt::skip]
fn pixels_of_what_is_no_square_are_pillows_and_timms() {
    let crop = Fit::Crop { shorter: 4 };
    for (from, fit, expected) in [
        ((5, 8), Fit::Squash, &[123, 92, 135, 163, 124, 99, 123, 166, 127, 89, 126, 170, 182, 97, 123, 145, 176, 84, 110, 148, 116, 73, 114, 158, 166, 84, 107, 132, 162, 90, 92, 135, 165, 132, 100, 138]),
        ((9, 4), Fit::Squash, &[113, 150, 101, 138, 107, 144, 150, 116, 153, 104, 141, 110, 165, 125, 97, 134, 115, 152, 124, 168, 128, 100, 137, 118, 133, 99, 105, 142, 111, 148, 99, 136, 102, 108, 145, 114]),
        ((5, 8), crop, &[183, 76, 123, 145, 124, 107, 140, 184, 75, 109, 146, 190, 166, 131, 113, 147, 195, 82, 118, 155, 108, 99, 136, 177, 156, 116, 102, 137, 182, 72, 108, 145, 92, 89, 125, 167]),
        ((9, 4), crop, &[81, 78, 119, 148, 187, 227, 107, 155, 169, 65, 101, 112, 255, 27, 64, 139, 104, 159, 162, 215, 108, 184, 221, 56, 205, 202, 0, 72, 110, 83, 100, 148, 178, 128, 164, 175]),
        ((5, 8), Fit::Pad, &[146, 95, 132, 157, 145, 94, 120, 160, 122, 82, 123, 167, 173, 88, 112, 135, 168, 87, 98, 139, 145, 109, 104, 145, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ((9, 4), Fit::Pad, &[0, 0, 0, 0, 0, 0, 129, 126, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 131, 137, 126, 0, 0, 0, 0, 0, 0, 0, 0, 0, 121, 123, 119, 0, 0, 0]),
    ] {
        let resizing = resizing(Sides { height: 3, width: 4 }, fit, Bicubic);
        assert_eq!(read(&pattern(from.0, from.1), &resizing), expected, "{from:?} {resizing:?}");
    }
}

/// Bilinear and squashed is TensorFlow's way, which is Pillow's but for the rounding between columns and rows.
#[test]
#[rustfmt::skip]
fn what_is_usual_is_within_one_of_pillow() {
    for (from, size, expected) in [
        ((5, 8), 3, &[139, 98, 127, 141, 150, 108, 99, 136, 161, 169, 119, 114, 128, 162, 96, 86, 123, 149, 156, 107, 101, 115, 149, 128, 116, 110, 147][..]),
        ((2, 3), 4, &[11, 48, 85, 80, 117, 154, 164, 105, 142, 233, 14, 51, 30, 67, 104, 99, 136, 133, 159, 124, 121, 188, 33, 70, 69, 106, 143, 138, 175, 92, 150, 163, 80, 99, 72, 109, 88, 125, 162, 157, 194, 71, 145, 182, 59, 54, 91, 128]),
    ] {
        let found = read(&pattern(from.0, from.1), &Resizing::squash(size));
        assert!(found.iter().zip(expected).all(|(a, e)| a.abs_diff(*e) <= 1), "{found:?}");
    }
}

#[test]
fn stored_images_become_the_same_squares_when_batches_are_made() {
    let image = pattern(5, 8);
    let unit = Normalizer::new(&Normalization::default(), &View::default());
    let batch = |part: Part, resizing: &Resizing| {
        let view = View::from(part);
        let batches = Batches::new(&view, &unit, *resizing, None, &Device::Cpu);
        let (images, _) = batches.batch(&[0], 1).unwrap();
        let values: Vec<f32> = images.flatten_all().unwrap().to_vec1().unwrap();
        values
            .iter()
            .map(|v| (v * 255.0).round() as u8)
            .collect::<Vec<u8>>()
    };
    let stored = |data: Vec<u8>, channels| Part {
        images: Images {
            data,
            count: 1,
            ..Images::empty(5, 8, channels)
        },
        labels: vec![0],
        files: None,
        originals: None,
        label_sets: None,
    };
    for fit in [Fit::Crop { shorter: 4 }, Fit::Pad, Fit::Squash] {
        let resizing = resizing(3, fit, Bicubic);
        let wanted = read(&image, &resizing);
        assert_eq!(batch(stored(image.to_vec(), 3), &resizing), wanted);
        let red = image.pixels().map(|pixel| pixel.0[0]).collect();
        let grey: Vec<u8> = wanted.chunks(3).flat_map(|p| [p[0]; 3]).collect();
        assert_eq!(batch(stored(red, 1), &resizing), grey);
    }
}

/// What has been cropped when it was read is not cropped again.
#[test]
fn photos_are_resized_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    pattern(30, 40).save(&path).unwrap();
    let crop = resizing(8, Fit::Crop { shorter: 16 }, Bicubic);
    let part = Part::of_file(&path, Some(&crop)).unwrap();
    let read = part.images.data.clone();
    let view = View::from(part);
    let unit = Normalizer::new(&Normalization::default(), &View::default());
    let batches = Batches::new(&view, &unit, crop, None, &Device::Cpu);
    let (images, _) = batches.batch(&[0], 1).unwrap();
    let values: Vec<f32> = images.flatten_all().unwrap().to_vec1().unwrap();
    let expected: Vec<f32> = read
        .iter()
        .map(|v| (f64::from(*v) / 255.0) as f32)
        .collect();
    assert_eq!(values, expected);
}

#[test]
fn the_sides_are_timms_and_the_specs() {
    let shorter = |resizing: Resizing| match resizing.fit {
        Fit::Crop { shorter } => shorter,
        _ => 0,
    };
    // math.floor(224 / 0.9) in timm, rounded in a spec
    assert_eq!(shorter(Resizing::timm(224, 0.9, Bicubic)), 248);
    assert_eq!(shorter(Resizing::timm(224, 0.875, Bicubic)), 256);
    let spec = |crop: &str| -> Resize { toml::from_str(crop).unwrap() };
    let of = |text: &str| shorter(Resizing::of(&spec(text), 224).unwrap());
    assert_eq!(of("method = \"crop\"\ncrop = 0.9"), 249);
    assert_eq!(of("method = \"crop\""), 256);
    assert_eq!(Resizing::of(&spec(""), 32), Some(Resizing::squash(32)));
    assert_eq!(Resizing::of(&spec("method = \"pretrained\""), 32), None);
}

/// A strip a pixel wide is cropped without being made as large as its shorter side wants.
#[test]
fn extreme_shapes_are_taken() {
    let strip = image::RgbImage::from_pixel(1, 60_000, image::Rgb([9, 8, 7]));
    for fit in [Fit::Crop { shorter: 256 }, Fit::Pad, Fit::Squash] {
        let pixels = read(&strip, &resizing(224, fit, Bicubic));
        let middle = &pixels[(112 * 224 + 112) * 3..][..3];
        assert_eq!(middle, [9, 8, 7], "{fit:?}");
    }
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the real images, which are not there")]
#[rustfmt::skip]
fn photos_become_pillows_pixels() {
    let crop = Fit::Crop { shorter: 256 };
    for (file, interpolation, fit, sum, pixels) in [
        ("train/ants/0013035.jpg", Bilinear, Fit::Squash, 22739250, [[89, 161, 237], [82, 150, 233]]),
        ("train/ants/0013035.jpg", Bilinear, crop, 21932387, [[96, 144, 220], [84, 155, 237]]),
        ("train/ants/0013035.jpg", Bilinear, Fit::Pad, 15122830, [[92, 160, 239], [79, 147, 230]]),
        ("train/ants/0013035.jpg", Bicubic, Fit::Squash, 22736904, [[87, 160, 237], [82, 150, 233]]),
        ("train/ants/0013035.jpg", Bicubic, crop, 21932387, [[96, 144, 220], [84, 155, 237]]),
        ("train/ants/0013035.jpg", Bicubic, Fit::Pad, 15122134, [[91, 160, 240], [79, 147, 230]]),
        ("train/bees/1092977343_cb42b38d62.jpg", Bilinear, Fit::Squash, 12542627, [[65, 39, 0], [162, 155, 1]]),
        ("train/bees/1092977343_cb42b38d62.jpg", Bilinear, crop, 11486657, [[82, 61, 14], [101, 65, 5]]),
        ("train/bees/1092977343_cb42b38d62.jpg", Bilinear, Fit::Pad, 8339575, [[64, 38, 1], [99, 107, 4]]),
        ("train/bees/1092977343_cb42b38d62.jpg", Bicubic, Fit::Squash, 12539937, [[64, 38, 0], [162, 155, 1]]),
        ("train/bees/1092977343_cb42b38d62.jpg", Bicubic, crop, 11486657, [[82, 61, 14], [101, 65, 5]]),
        ("train/bees/1092977343_cb42b38d62.jpg", Bicubic, Fit::Pad, 8340467, [[62, 36, 0], [99, 107, 4]]),
        ("val/ants/10308379_1b6c72e180.jpg", Bilinear, Fit::Squash, 29210193, [[253, 254, 253], [236, 239, 242]]),
        ("val/ants/10308379_1b6c72e180.jpg", Bilinear, crop, 25183105, [[187, 185, 189], [103, 101, 89]]),
        ("val/ants/10308379_1b6c72e180.jpg", Bilinear, Fit::Pad, 21907917, [[252, 253, 253], [211, 223, 231]]),
        ("val/ants/10308379_1b6c72e180.jpg", Bicubic, Fit::Squash, 29208460, [[253, 253, 253], [234, 237, 241]]),
        ("val/ants/10308379_1b6c72e180.jpg", Bicubic, crop, 25175849, [[186, 184, 187], [108, 106, 94]]),
        ("val/ants/10308379_1b6c72e180.jpg", Bicubic, Fit::Pad, 21906509, [[252, 253, 253], [209, 222, 230]]),
    ] {
        let path = shared().join("data/hymenoptera").join(file);
        let resizing = resizing(224, fit, interpolation);
        let found = Part::of_file(&path, Some(&resizing)).unwrap().images.data;
        // Bilinear and squashed is not rounded between columns and rows.
        let near = if resizing.is_usual() { 1 } else { 0 };
        let total: u64 = found.iter().map(|v| u64::from(*v)).sum();
        assert!(total.abs_diff(sum) <= near * 15_000, "{file} {resizing:?}: {total}, {sum}");
        let at = |y: usize, x: usize| &found[(y * 224 + x) * 3..][..3];
        let is_near = |(a, e): (&u8, &u8)| u64::from(a.abs_diff(*e)) <= near;
        assert!([at(112, 37), at(50, 200)].concat().iter().zip(pixels.iter().flatten()).all(is_near), "{file} {resizing:?}");
    }
}
