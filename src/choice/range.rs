//! What numbers may be.
//!
//! The bounds from above are far beyond what anybody trains with, and low enough that sizes computed of them stay within
//! 64 bits.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use crate::text::thousands;

/// Epochs, images of a batch, outputs of a layer.
pub const MOST: usize = 1_000_000;
/// Factors and thresholds.
pub const LARGEST: f64 = 1e6;

/// What a number may be; bounds are included unless said otherwise.
///
/// Networks compute with 32 bits: a number that only 64 bits tell from a bound that is not included is refused like that.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    Whole(usize, usize),
    /// In [0, 1).
    Part,
    /// In (0, 1).
    Inside,
    Positive(f64),
    NotNegative(f64),
    Within(f64, f64),
}

impl Range {
    /// Whether a number lies in it.
    pub fn contains(self, number: Number) -> bool {
        match (self, number) {
            (Range::Whole(least, most), Number::Whole(n)) => (least..=most).contains(&n),
            (Range::Whole(..), Number::Real(_)) => false,
            (range, Number::Whole(n)) => range.contains(Number::Real(n as f64)),
            (Range::Part, Number::Real(x)) => x >= 0.0 && is_below_one(x),
            (Range::Inside, Number::Real(x)) => is_above_zero(x) && is_below_one(x),
            (Range::Positive(most), Number::Real(x)) => is_above_zero(x) && x <= most,
            (Range::NotNegative(most), Number::Real(x)) => (0.0..=most).contains(&x),
            (Range::Within(least, most), Number::Real(x)) => (least..=most).contains(&x),
        }
    }
}

/// Whether it is above 0 in 32 bits, too.
fn is_above_zero(x: f64) -> bool {
    x as f32 > 0.0
}

/// Whether it is below 1 in 32 bits, too.
fn is_below_one(x: f64) -> bool {
    (x as f32) < 1.0
}

impl Range {
    /// The range as keys of a JSON Schema.
    pub fn schema(self) -> Map<String, Json> {
        let keys = match self {
            Range::Whole(least, _) => json!({ "minimum": least }),
            Range::Part => json!({ "minimum": 0, "exclusiveMaximum": 1 }),
            Range::Inside => json!({ "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
            Range::Positive(_) => json!({ "exclusiveMinimum": 0 }),
            Range::NotNegative(_) => json!({ "minimum": 0 }),
            Range::Within(least, most) => json!({ "minimum": least, "maximum": most }),
        };
        match keys {
            Json::Object(keys) => keys,
            _ => Map::new(),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Range::Whole(least, most) => {
                write!(f, "at least {least} and at most {}", thousands(most))
            }
            Range::Part => f.write_str("at least 0 and less than 1"),
            Range::Inside => f.write_str("greater than 0 and less than 1"),
            Range::Positive(most) => {
                write!(
                    f,
                    "a finite number greater than 0, at most {}",
                    Number::Real(most)
                )
            }
            Range::NotNegative(most) => {
                write!(
                    f,
                    "a finite number, 0 or more, at most {}",
                    Number::Real(most)
                )
            }
            Range::Within(least, most) => {
                write!(
                    f,
                    "a finite number, at least {least:?} and at most {most:?}"
                )
            }
        }
    }
}

/// A number of a spec as it is shown where it is refused: with what becomes of it in 32 bits, where that is 0 or 1.
pub struct Refused(pub Number);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused(number) = self;
        write!(f, "{number}")?;
        match number {
            Number::Real(x)
                if [0.0, 1.0].contains(&f64::from(*x as f32)) && *x != f64::from(*x as f32) =>
            {
                write!(f, ", which is {} in 32 bits", *x as f32)
            }
            _ => Ok(()),
        }
    }
}

/// A number of a spec.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Whole(usize),
    Real(f64),
}

impl From<usize> for Number {
    fn from(n: usize) -> Self {
        Number::Whole(n)
    }
}

impl From<f64> for Number {
    fn from(x: f64) -> Self {
        Number::Real(x)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(n) => write!(f, "{n}"),
            // Very large and very small ones with an exponent.
            Number::Real(x) if x.fract() == 0.0 && x.abs() < 1e15 => write!(f, "{x}"),
            Number::Real(x) => write!(f, "{x:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_bound_in_32_bits_is_outside_of_an_open_range() {
        for (range, outside, inside) in [
            (Range::Positive(1.0), 1e-50, 1e-40),
            (Range::Inside, 1e-50, 1e-40),
            (Range::Inside, 0.999_999_999_9, 0.999_999_9),
            (Range::Part, 0.999_999_999_9, 0.999_999_9),
        ] {
            assert!(!range.contains(outside.into()), "{range}: {outside}");
            assert!(range.contains(inside.into()), "{range}: {inside}");
        }
        assert!(Range::Part.contains(1e-50.into()));
        let shown = |x: f64| Refused(x.into()).to_string();
        assert_eq!(shown(1e-50), "1e-50, which is 0 in 32 bits");
        assert_eq!(
            shown(0.999_999_999_9),
            "0.9999999999, which is 1 in 32 bits"
        );
        assert_eq!(shown(1.0), "1");
    }
}
