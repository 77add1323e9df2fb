//! Bilinear resizing with half-pixel centres, as `tf.image.resize(method="bilinear")`.
//!
//! An axis that grows is interpolated between the two nearest pixels (`antialias=False`; antialiasing would not change
//! it). An axis that shrinks is averaged with a triangle filter as wide as the reduction (`antialias=True`): without
//! it, most pixels of a photo would have no influence on the small image.

/// How each position along one axis of the output is made of positions along the input.
enum Axis {
    /// Between `low` and `high`, by the fraction `t`.
    Enlarge(Vec<Between>),
    /// A weighted mean of the inputs from `start` on.
    Shrink(Vec<Mean>),
}

struct Between {
    low: usize,
    high: usize,
    t: f32,
}

struct Mean {
    start: usize,
    weights: Vec<f32>,
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let ratio = from as f32 / to as f32;
        let centres = (0..to).map(|x| (x as f32 + 0.5) * ratio);
        if from <= to {
            Axis::Enlarge(centres.map(|centre| between(centre, from)).collect())
        } else {
            Axis::Shrink(centres.map(|centre| mean(centre, ratio, from)).collect())
        }
    }
}

/// As `HalfPixelScaler` and `compute_interpolation_weights` in TensorFlow's `resize_bilinear_op.cc`.
fn between(centre: f32, from: usize) -> Between {
    let place = centre - 0.5;
    let last = from.saturating_sub(1);
    Between {
        low: (place.floor().max(0.0) as usize).min(last),
        high: (place.ceil().max(0.0) as usize).min(last),
        t: place - place.floor(),
    }
}

/// As `ComputeSpansCore` with the triangle kernel in TensorFlow's `scale_and_translate_op.cc`.
fn mean(centre: f32, radius: f32, from: usize) -> Mean {
    let last = from.saturating_sub(1);
    let start = ((centre - radius - 0.5).ceil().max(0.0) as usize).min(last);
    let end = ((centre + radius - 0.5).floor().max(0.0) as usize).min(last);
    let distance = |x: usize| ((x as f32 + 0.5 - centre) / radius).abs();
    let mut weights: Vec<f32> = (start..=end.max(start))
        .map(|x| (1.0 - distance(x)).max(0.0))
        .collect();
    let total: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= total);
    Mean { start, weights }
}

/// Resizes images of one size to another one.
pub struct Resizer {
    width: usize,
    to_width: usize,
    rows: Axis,
    columns: Axis,
}

impl Resizer {
    /// From `height` × `width` to `to_height` × `to_width`, none of them 0.
    pub fn new((height, width): (usize, usize), (to_height, to_width): (usize, usize)) -> Self {
        Resizer {
            width,
            to_width,
            rows: Axis::new(height, to_height),
            columns: Axis::new(width, to_width),
        }
    }

    /// Resizes `image` (`[height, width, C]`) into `out` (`[to_height, to_width, C]`), with `wide` as working memory.
    pub fn resize<const C: usize>(&self, image: &[u8], wide: &mut Vec<f32>, out: &mut [f32]) {
        let (rows, _) = image.as_chunks::<C>();
        wide.clear();
        for row in rows.chunks_exact(self.width.max(1)) {
            match &self.columns {
                Axis::Enlarge(places) => places.iter().for_each(|p| {
                    wide.extend_from_slice(&lerp(row[p.low], row[p.high], p.t));
                }),
                Axis::Shrink(places) => places.iter().for_each(|p| {
                    wide.extend_from_slice(&average(&row[p.start..], &p.weights));
                }),
            }
        }
        let stride = self.to_width * C;
        let row = |y: usize| &wide[y * stride..(y + 1) * stride];
        let out = out.chunks_exact_mut(stride.max(1));
        match &self.rows {
            Axis::Enlarge(places) => out.zip(places).for_each(|(out, p)| {
                let pairs = row(p.low).iter().zip(row(p.high));
                out.iter_mut()
                    .zip(pairs)
                    .for_each(|(o, (low, high))| *o = low + (high - low) * p.t);
            }),
            Axis::Shrink(places) => out.zip(places).for_each(|(out, p)| {
                out.fill(0.0);
                for (k, weight) in p.weights.iter().enumerate() {
                    out.iter_mut()
                        .zip(row(p.start + k))
                        .for_each(|(o, v)| *o += weight * v);
                }
            }),
        }
    }
}

fn lerp<const C: usize>(low: [u8; C], high: [u8; C], t: f32) -> [f32; C] {
    std::array::from_fn(|c| {
        let (low, high) = (f32::from(low[c]), f32::from(high[c]));
        low + (high - low) * t
    })
}

fn average<const C: usize>(pixels: &[[u8; C]], weights: &[f32]) -> [f32; C] {
    let mut sum = [0.0; C];
    for (pixel, weight) in pixels.iter().zip(weights) {
        for c in 0..C {
            sum[c] += weight * f32::from(pixel[c]);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected numbers, with TensorFlow 2.21:
    //   import numpy as np, tensorflow as tf
    //   x = np.array([[3, 250, 17], [90, 41, 200]], np.uint8).reshape(1, 2, 3, 1).astype("float32")
    //   for size in [(5, 5), (4, 4)]:
    //       print(tf.image.resize(x, size, method="bilinear", antialias=False).numpy().ravel())
    //   x = (np.arange(64) * 37 % 251).astype("float32").reshape(1, 8, 8, 1)
    //   print(tf.image.resize(x, (3, 3), method="bilinear", antialias=True).numpy().ravel())
    //   print(tf.image.resize(x, (5, 11), method="bilinear", antialias=True).numpy().ravel()[:8])
    const SMALL: [u8; 6] = [3, 250, 17, 90, 41, 200];

    fn resize(image: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
        let mut out = vec![0.0; to.0 * to.1];
        Resizer::new(from, to).resize::<1>(image, &mut Vec::new(), &mut out);
        out
    }

    /// Equal to within two units in the last place of a value of 128 to 255.
    fn assert_close(actual: &[f32], expected: &[f64]) {
        assert!(actual.len() >= expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!(
                (f64::from(*a) - e).abs() <= 3.1e-5,
                "{actual:?} {expected:?}"
            );
        }
    }

    #[test]
    fn enlarging_gives_tensorflows_numbers() {
        #[rustfmt::skip]
        let five = [
            3.0, 101.80001068115234, 250.0, 110.19996643066406, 17.0, 11.70000171661377, 98.6600112915039,
            229.09999084472656, 112.8199691772461, 35.30000305175781, 46.5, 86.10000610351562, 145.5,
            123.29999542236328, 108.5, 81.29999542236328, 73.53999328613281, 61.90000915527344, 133.78001403808594,
            181.6999969482422, 90.0, 70.39999389648438, 41.0, 136.4000244140625, 200.0,
        ];
        assert_close(&resize(&SMALL, (2, 3), (5, 5)), &five);
        #[rustfmt::skip]
        let four = [
            3.0, 157.375, 162.625, 17.0, 24.75, 132.875, 147.125, 62.75,
            68.25, 83.875, 116.125, 154.25, 90.0, 59.375, 100.625, 200.0,
        ];
        assert_close(&resize(&SMALL, (2, 3), (4, 4)), &four);
    }

    fn pattern() -> Vec<u8> {
        (0..64).map(|i| (i * 37 % 251) as u8).collect()
    }

    #[test]
    fn shrinking_gives_tensorflows_antialiased_numbers() {
        #[rustfmt::skip]
        let three = [
            90.63159942626953, 155.64662170410156, 104.44874572753906, 138.16104125976562, 116.39399719238281,
            128.06517028808594, 85.92451477050781, 142.5050048828125, 153.974365234375,
        ];
        assert_close(&resize(&pattern(), (8, 8), (3, 3)), &three);
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let same: Vec<f32> = pattern().iter().map(|&v| v.into()).collect();
        assert_eq!(resize(&pattern(), (8, 8), (8, 8)), same);
    }

    #[test]
    fn channels_do_not_mix() {
        let grey = resize(&SMALL, (2, 3), (4, 2));
        let rgb: Vec<u8> = SMALL.iter().flat_map(|&v| [v, 0, 255 - v]).collect();
        let mut out = vec![0.0; 4 * 2 * 3];
        Resizer::new((2, 3), (4, 2)).resize::<3>(&rgb, &mut Vec::new(), &mut out);
        for (pixel, grey) in out.chunks(3).zip(grey) {
            assert_eq!(pixel[..2], [grey, 0.0]);
            assert!((pixel[2] - (255.0 - grey)).abs() < 1e-4);
        }
    }
}
