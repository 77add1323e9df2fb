//! Values → places along an axis, and the ticks on it.

use crate::store::text::number;

/// Maps values to places in [0, 1] along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    Linear {
        low: f64,
        high: f64,
    },
    /// In powers of ten; all values are positive.
    Log {
        low: f64,
        high: f64,
    },
}

/// The ratio of the largest to the smallest value from which a logarithmic scale reads better.
const LOG_SPAN: f64 = 100.0;

impl Scale {
    /// A scale that shows all finite `values`, logarithmic where they are positive and span a factor of 100 or more.
    pub(crate) fn fit(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values);
        if low > 0.0 && high / low >= LOG_SPAN {
            let room = (high / low).powf(0.04);
            return Scale::Log {
                low: low / room,
                high: high * room,
            };
        }
        Self::with_room(low, high)
    }

    /// A linear scale for shares; it never leaves [0, 1] where the values do not.
    pub(crate) fn shares(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values);
        match Self::with_room(low, high) {
            Scale::Linear { low: l, high: h } if low >= 0.0 && high <= 1.0 => Scale::Linear {
                low: l.max(0.0),
                high: h.min(1.0),
            },
            other => other,
        }
    }

    /// The epochs from 1 to `last`.
    pub(crate) fn epochs(last: usize) -> Self {
        let room = (last as f64 - 1.0).max(1.0) * 0.03;
        Scale::Linear {
            low: 1.0 - room,
            high: last as f64 + room,
        }
    }

    fn with_room(low: f64, high: f64) -> Self {
        let span = if high > low {
            high - low
        } else {
            (high.abs() * 0.1).max(0.01)
        };
        Scale::Linear {
            low: low - span * 0.06,
            high: high + span * 0.06,
        }
    }

    /// An axis' label, with the kind of scale where it is not linear.
    pub(crate) fn label(&self, label: &str) -> String {
        match self {
            Scale::Linear { .. } => label.to_owned(),
            Scale::Log { .. } => format!("{label} (log scale)"),
        }
    }

    /// Where `value` is, 0 at the low end and 1 at the high end; absent where it cannot be shown.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        let place = match *self {
            Scale::Linear { low, high } => (value - low) / (high - low),
            Scale::Log { low, high } => (value / low).ln() / (high / low).ln(),
        };
        place.is_finite().then_some(place)
    }

    /// At most about `count` round values within the scale.
    pub(crate) fn ticks(&self, count: usize) -> Vec<f64> {
        match *self {
            Scale::Linear { low, high } => linear_ticks(low, high, count, 0.0),
            Scale::Log { low, high } => log_ticks(low, high, count),
        }
    }

    /// At most about `count` whole numbers within the scale, from 1.
    pub(crate) fn whole_ticks(&self, count: usize) -> Vec<f64> {
        let (Scale::Linear { low, high } | Scale::Log { low, high }) = *self;
        let mut ticks = linear_ticks(low.max(1.0), high, count, 1.0);
        // The first epoch is worth a tick, where it does not crowd the next.
        if ticks
            .get(..2)
            .is_some_and(|t| t[0] > 2.0 && t[1] - t[0] >= 5.0)
        {
            ticks.insert(0, 1.0);
        }
        ticks
    }
}

/// The smallest and largest finite value; 0 and 1 where there is none.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// Multiples of 1, 2 or 5 times a power of ten, not below `finest`.
fn linear_ticks(low: f64, high: f64, count: usize, finest: f64) -> Vec<f64> {
    let rough = (high - low) / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&step| step >= rough * 0.999)
        .unwrap_or(10.0 * power)
        .max(finest);
    if !step.is_finite() || step <= 0.0 {
        return vec![low];
    }
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).take(100).map(|n| n as f64 * step).collect()
}

/// Powers of ten; between few of them also their double and fivefold.
fn log_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = (last - first).max(1) as usize;
    let stride = decades.div_ceil(count.max(1));
    let multiples: &[f64] = if decades * 3 <= count {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    (first..=last)
        .step_by(stride)
        .flat_map(|power| multiples.iter().map(move |m| m * 10f64.powi(power)))
        .filter(|v| (low..=high).contains(v))
        .collect()
}

/// The ticks' labels, with as many decimals as tell them apart.
pub(crate) fn labels(ticks: &[f64]) -> Vec<String> {
    let distinct = |labels: &[String]| labels.windows(2).all(|pair| pair[0] != pair[1]);
    (3..8)
        .map(|digits| ticks.iter().map(|&t| number(t, digits)).collect::<Vec<_>>())
        .find(|labels| distinct(labels))
        .unwrap_or_else(|| ticks.iter().map(|t| t.to_string()).collect())
}

/// The labels of shares in percent, without the sign.
pub(crate) fn percent_labels(ticks: &[f64]) -> Vec<String> {
    labels(&ticks.iter().map(|t| t * 100.0).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_span_of_positive_values_is_logarithmic() {
        assert!(matches!(
            Scale::fit([1e-4, 1e-2].into_iter()),
            Scale::Log { .. }
        ));
        assert!(matches!(
            Scale::fit([1e-3, 0.09].into_iter()),
            Scale::Linear { .. }
        ));
        assert!(matches!(
            Scale::fit([0.0, 1e4].into_iter()),
            Scale::Linear { .. }
        ));
        let ticks = Scale::fit([1e-4, 1e-2].into_iter()).ticks(5);
        assert_eq!(labels(&ticks), ["1e-4", "0.001", "0.01"]);
    }

    #[test]
    fn shares_stay_within_0_and_1() {
        let scale = Scale::shares([0.0, 0.5, 1.0, f64::NAN].into_iter());
        assert_eq!(
            scale,
            Scale::Linear {
                low: 0.0,
                high: 1.0
            }
        );
        assert_eq!(
            percent_labels(&scale.ticks(5)),
            ["0", "20", "40", "60", "80", "100"]
        );
    }

    #[test]
    fn epochs_have_whole_ticks() {
        let ticks = |last| Scale::epochs(last).whole_ticks(8);
        assert_eq!(ticks(1), [1.0]);
        assert_eq!(ticks(3), [1.0, 2.0, 3.0]);
        assert_eq!(ticks(30), [1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(ticks(100), [1.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }

    #[test]
    fn nothing_or_a_single_value_still_has_a_range() {
        for values in [
            vec![],
            vec![f64::NAN],
            vec![0.5],
            vec![0.0],
            vec![-3.0, -3.0],
        ] {
            let scale = Scale::fit(values.iter().copied());
            assert!(!scale.ticks(5).is_empty(), "{values:?}");
            let place = scale.place(values.first().copied().unwrap_or(0.5));
            assert!(place.is_none_or(|p| (0.0..=1.0).contains(&p)), "{values:?}");
        }
    }
}
