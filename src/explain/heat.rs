//! How much each place of an image counts.

use serde::Serialize;

/// One value for each place of a grid over the image, row by row, none below 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heat {
    pub height: usize,
    pub width: usize,
    /// `[height, width]`
    pub values: Vec<f32>,
}

impl Heat {
    /// The same of `height` × `width` pixels, in [0, 1] of the largest, or all 0: bilinear between the places' centres, as
    /// PyTorch's `interpolate` with `align_corners=False`.
    pub fn stretched(&self, (height, width): (usize, usize)) -> Vec<f32> {
        let along = |pixels: usize, places: usize| -> Vec<Between> {
            (0..pixels)
                .map(|i| Between::of(i, pixels, places))
                .collect()
        };
        let (rows, columns) = (along(height, self.height), along(width, self.width));
        let at = |row: usize, column: usize| {
            let value = self.values.get(row * self.width + column);
            f64::from(value.copied().unwrap_or(0.0))
        };
        let mut values = Vec::with_capacity(height * width);
        for row in &rows {
            for column in &columns {
                let along = |row: usize| column.mix(at(row, column.low), at(row, column.high));
                values.push(row.mix(along(row.low), along(row.high)));
            }
        }
        let most = values.iter().copied().fold(0.0, f64::max);
        let part = |value: f64| if most > 0.0 { value / most } else { 0.0 };
        values.into_iter().map(|value| part(value) as f32).collect()
    }
}

/// Where a pixel's centre lies among the centres of places.
struct Between {
    low: usize,
    high: usize,
    /// Of the higher one.
    share: f64,
}

impl Between {
    fn of(pixel: usize, pixels: usize, places: usize) -> Self {
        let at = (pixel as f64 + 0.5) * places as f64 / pixels.max(1) as f64 - 0.5;
        let at = at.max(0.0);
        let last = places.saturating_sub(1);
        let low = (at as usize).min(last);
        Between {
            low,
            high: (low + 1).min(last),
            share: at - low as f64,
        }
    }

    fn mix(&self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// F.interpolate(torch.tensor([[[[0., 2.], [4., 1.]]]]), size=(5, 5), mode="bilinear") / 4  # by the largest
    /// ```
    #[test]
    fn pixels_between_places_are_those_of_pytorch() {
        let heat = Heat {
            height: 2,
            width: 2,
            values: vec![0.0, 2.0, 4.0, 1.0],
        };
        let expected = [
            0.0, 0.05, 0.25, 0.45, 0.5, 0.1, 0.1375, 0.2875, 0.4375, 0.475, 0.5, 0.4875, 0.4375,
            0.3875, 0.375, 0.9, 0.8375, 0.5875, 0.3375, 0.275, 1.0, 0.925, 0.625, 0.325, 0.25,
        ];
        for (found, expected) in heat.stretched((5, 5)).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
    }

    #[test]
    fn nothing_stays_nothing() {
        let heat = Heat {
            height: 1,
            width: 2,
            values: vec![0.0, 0.0],
        };
        assert_eq!(heat.stretched((3, 3)), [0.0; 9]);
    }
}
