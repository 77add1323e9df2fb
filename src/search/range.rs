//! Numbers between two bounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Digits that a drawn number is rounded to: more tell nothing of a learning rate, and make its runs' names long.
const DIGITS: i32 = 4;

/// What an axis can be set to anything between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub min: f64,
    /// Greater than `min`.
    pub max: f64,
    pub scale: Scale,
    /// Whether only whole numbers are meant.
    pub is_whole: bool,
}

/// On what scale equal distances are equally likely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", expecting = "\"linear\" or \"log\"")]
pub enum Scale {
    #[default]
    Linear,
    /// Of the logarithm; `min` is above 0.
    Log,
}

impl Range {
    /// The value at a part of the way from `min` to `max`, rounded.
    pub fn at(&self, part: f64) -> f64 {
        let part = part.clamp(0.0, 1.0);
        // Whole numbers get equal parts of the way, those at the ends too.
        let (low, high) = match self.is_whole {
            true => (self.min - 0.5, self.max + 0.5),
            false => (self.min, self.max),
        };
        let value = match self.scale {
            Scale::Linear => low + part * (high - low),
            Scale::Log => {
                let (low, high) = (low.max(f64::MIN_POSITIVE).ln(), high.ln());
                (low + part * (high - low)).exp()
            }
        };
        let rounded = match self.is_whole {
            true => value.round(),
            false => round(value),
        };
        rounded.clamp(self.min, self.max)
    }

    /// What part of the way from `min` to `max` a value is.
    pub fn part(&self, value: f64) -> f64 {
        let of = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(f64::MIN_POSITIVE).ln(),
        };
        ((of(value) - of(self.min)) / (of(self.max) - of(self.min))).clamp(0.0, 1.0)
    }
}

/// To [`DIGITS`] digits.
fn round(value: f64) -> f64 {
    // Through decimal text, so that what is shown is what is computed with.
    let places = DIGITS as usize - 1;
    format!("{value:.places$e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: f64, max: f64, scale: Scale, is_whole: bool) -> Range {
        Range {
            min,
            max,
            scale,
            is_whole,
        }
    }

    #[test]
    fn a_logarithmic_range_has_its_geometric_mean_in_the_middle() {
        let rates = range(1e-5, 1e-1, Scale::Log, false);
        assert_eq!(rates.at(0.5), 1e-3);
        assert_eq!((rates.at(0.0), rates.at(1.0)), (1e-5, 1e-1));
        assert!((rates.part(1e-3) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn drawn_numbers_have_four_digits() {
        assert_eq!(range(0.0, 1.0, Scale::Linear, false).at(0.123_456), 0.1235);
        assert_eq!(
            range(1e-5, 1e-2, Scale::Log, false).at(0.2).to_string(),
            "0.00003981"
        );
    }

    #[test]
    fn whole_numbers_are_equally_likely_at_the_ends() {
        let units = range(1.0, 4.0, Scale::Linear, true);
        let mut counts = [0; 5];
        for n in 0..1000 {
            counts[units.at((f64::from(n) + 0.5) / 1000.0) as usize] += 1;
        }
        assert_eq!(counts, [0, 250, 250, 250, 250]);
    }
}
