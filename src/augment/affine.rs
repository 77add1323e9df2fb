//! Rotations and other affine maps, interpolated bilinearly to the very pixels of Pillow's `Image.transform`; what comes
//! from outside is black.

use super::picture::Picture;
use super::transform::{Transform, between};

/// `augmentation.rotation`: about the centre by an angle between minus and plus so many degrees, as torchvision's
/// `RandomRotation(degrees, InterpolationMode.BILINEAR)`.
pub(super) const TRANSFORM: Transform = Transform {
    is_active: |spec| spec.rotation > 0.0,
    apply: |draws, stream, picture| {
        let most = draws.spec.rotation;
        Affine::rotation(between(stream, -most, most), picture.sides()).apply(picture);
    },
};

/// Where a pixel of the new image comes from: column `a x + b y + c` and row `d x + e y + f` for column `x` and row `y`, in
/// pixels whose centres lie at halves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine(pub [f64; 6]);

impl Affine {
    /// Counterclockwise about the centre of an image of this height and width: Pillow's `Image.rotate`.
    pub fn rotation(degrees: f64, (height, width): (usize, usize)) -> Self {
        let (sin, cos) = (-degrees.rem_euclid(360.0).to_radians()).sin_cos();
        // As Pillow, by decimals; it also keeps the last bits of a library's sine out of the pixels.
        let round = |value: f64| format!("{value:.15}").parse().unwrap_or(value);
        let (sin, cos) = (round(sin), round(cos));
        let (x, y) = (width as f64 / 2.0, height as f64 / 2.0);
        let c = cos * -x + sin * -y + x;
        let f = -sin * -x + cos * -y + y;
        Affine([cos, sin, c, -sin, cos, f])
    }

    /// Puts the mapped image in the picture's place.
    pub fn apply(self, picture: &mut Picture) {
        picture.replace(picture.sides(), |from, out| match from.channels {
            1 => self.map::<1>(from, out),
            _ => self.map::<3>(from, out),
        });
    }

    fn map<const C: usize>(self, from: &Picture, out: &mut [u8]) {
        let [a, b, c, d, e, f] = self.0;
        let pixels = from.pixels.as_chunks::<C>().0;
        let rows = out
            .as_chunks_mut::<C>()
            .0
            .chunks_exact_mut(from.width.max(1));
        for (y, row) in rows.enumerate() {
            let y = y as f64 + 0.5;
            for (x, out) in row.iter_mut().enumerate() {
                let x = x as f64 + 0.5;
                let at = (a * x + b * y + c, d * x + e * y + f);
                if let Some(pixel) = bilinear(pixels, from.sides(), at) {
                    *out = pixel;
                }
            }
        }
    }
}

/// `bilinear_filter8` and `bilinear_filter32RGB` in Pillow's `src/libImaging/Geometry.c`; none outside of the image.
fn bilinear<const C: usize>(
    pixels: &[[u8; C]],
    (height, width): (usize, usize),
    (x, y): (f64, f64),
) -> Option<[u8; C]> {
    let is_inside = (0.0..width as f64).contains(&x) && (0.0..height as f64).contains(&y);
    if !is_inside {
        return None;
    }
    let (x, y) = (x - 0.5, y - 0.5);
    let (dx, dy) = (x - x.floor(), y - y.floor());
    // From -1 on.
    let (left, top) = (x.floor() as isize, y.floor() as isize);
    let column = |x: isize| x.clamp(0, width as isize - 1) as usize;
    let row = |y: isize| y.clamp(0, height as isize - 1) as usize * width;
    let along = |row: usize, c: usize| {
        let low = f64::from(pixels[row + column(left)][c]);
        let high = f64::from(pixels[row + column(left + 1)][c]);
        low + (high - low) * dx
    };
    Some(std::array::from_fn(|c| {
        let low = along(row(top), c);
        let high = match top + 1 < height as isize {
            true => along(row(top + 1), c),
            false => low,
        };
        (low + (high - low) * dy) as u8
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(affine: Affine) -> String {
        let mut picture = Picture::example();
        affine.apply(&mut picture);
        picture.md5()
    }

    // With Pillow 13.0:
    //   import hashlib, numpy as np
    //   from PIL import Image
    //   x = Image.fromarray((np.arange(189).reshape(7, 9, 3) * 37 % 251).astype("uint8"))
    //   md5 = lambda image: hashlib.md5(np.asarray(image).tobytes()).hexdigest()
    //   for degrees in [15, -37.5, 135]: print(md5(x.rotate(degrees, Image.BILINEAR)))
    //   print(md5(x.transform(x.size, Image.AFFINE, (1, 0.66, 0, 0, 1, 0), Image.BILINEAR)))
    //   print(md5(x.transform(x.size, Image.AFFINE, (1, 0, 0, -0.33, 1, -2), Image.BILINEAR)))
    #[test]
    fn rotations_have_pillows_pixels() {
        for (degrees, md5) in [
            (15.0, "23d1679286da4dece96fa865dc72c816"),
            (-37.5, "4c2cef2626c69283d907df54dc6529c0"),
            (135.0, "edd77f5554d264788f0fc8565413215d"),
        ] {
            assert_eq!(mapped(Affine::rotation(degrees, (7, 9))), md5, "{degrees}");
        }
    }

    #[test]
    fn shears_and_translations_have_pillows_pixels() {
        assert_eq!(
            mapped(Affine([1.0, 0.66, 0.0, 0.0, 1.0, 0.0])),
            "b3361f238a4dbcfec31f70ea15f5ce62"
        );
        assert_eq!(
            mapped(Affine([1.0, 0.0, 0.0, -0.33, 1.0, -2.0])),
            "589810799c718fbc83aa87784910c772"
        );
    }
}
