//! Where the values of a swept axis stand along the x axis.

use super::canvas::{characters_in, text_width};
use super::panel::{TICK_TEXT, Ticks, ticks_at};
use super::scale::{Scale, labels};
use crate::record::rows::Axis;
use crate::record::text::{number, shorten};
use crate::spec::AxisValue;

/// Up to this many values of a numeric axis have a tick each.
const MOST_VALUE_TICKS: usize = 8;
/// Labels that read upwards are shortened to this many characters.
const LONGEST_UPRIGHT: usize = 28;

/// Where the values of an axis stand.
pub(super) enum Positions {
    /// One place a value, in the sweep's order.
    Categories(Vec<String>),
    /// By their size.
    Numbers { scale: Scale, values: Vec<f64> },
}

impl Positions {
    /// The places of the axis' values, and of others that runs have.
    pub(super) fn of<'a>(axis: &'a Axis, seen: impl Iterator<Item = &'a AxisValue>) -> Self {
        let all: Vec<&AxisValue> = axis.values.iter().chain(seen).collect();
        let numbers: Option<Vec<f64>> = all.iter().map(|v| as_number(v)).collect();
        // Seeds are names that happen to be numbers.
        if let Some(mut values) = numbers.filter(|n| !n.is_empty() && axis.key != "seed") {
            values.sort_by(f64::total_cmp);
            values.dedup();
            let scale = Scale::fit(values.iter().copied());
            return Positions::Numbers { scale, values };
        }
        let mut names: Vec<String> = Vec::new();
        for value in all {
            let name = value.to_string();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Positions::Categories(names)
    }

    /// Where `value` stands, in [0, 1].
    pub(super) fn place(&self, value: &AxisValue) -> Option<f64> {
        match self {
            Positions::Numbers { scale, .. } => scale.place(as_number(value)?),
            Positions::Categories(names) => {
                let name = value.to_string();
                let at = names.iter().position(|n| *n == name)?;
                Some((at as f64 + 0.5) / names.len() as f64)
            }
        }
    }

    /// The ticks within `width` pixels, and whether their labels have to read upwards.
    pub(super) fn ticks(&self, width: i32) -> (Ticks, bool) {
        match self {
            Positions::Categories(names) => {
                let slot = width / names.len().max(1) as i32;
                let upright = slot < text_width("abcdefgh", TICK_TEXT);
                let room = if upright {
                    LONGEST_UPRIGHT
                } else {
                    characters_in(slot - 6, TICK_TEXT)
                };
                let short = names.iter().map(|name| shorten(name, room));
                let place = |i: usize| (i as f64 + 0.5) / names.len() as f64;
                (
                    short
                        .enumerate()
                        .map(|(i, name)| (place(i), name))
                        .collect(),
                    upright,
                )
            }
            Positions::Numbers { scale, values } if values.len() <= MOST_VALUE_TICKS => {
                let names = values.iter().map(|v| number(*v, 6)).collect();
                (
                    without_overlap(ticks_at(scale, values, names), width),
                    false,
                )
            }
            Positions::Numbers { scale, .. } => {
                let ticks = scale.ticks(8);
                (ticks_at(scale, &ticks, labels(&ticks)), false)
            }
        }
    }

    /// The label of an axis for `key`.
    pub(super) fn label(&self, key: &str) -> String {
        match self {
            Positions::Categories(_) => key.to_owned(),
            Positions::Numbers { scale, .. } => scale.label(key),
        }
    }

    /// How many pixels apart neighbouring values stand on an axis of this width, at least.
    pub(super) fn gap(&self, width: i32) -> i32 {
        let share = match self {
            Positions::Categories(names) => 1.0 / names.len().max(1) as f64,
            Positions::Numbers { scale, values } => values
                .windows(2)
                .filter_map(|pair| Some(scale.place(pair[1])? - scale.place(pair[0])?))
                .fold(1.0, f64::min),
        };
        (share * f64::from(width)) as i32
    }
}

/// Leaves out a tick whose label would touch the one before.
fn without_overlap(ticks: Ticks, width: i32) -> Ticks {
    let mut free = i32::MIN;
    let fits = |(place, label): &(f64, String)| {
        let (middle, half) = (
            (place * f64::from(width)) as i32,
            text_width(label, TICK_TEXT) / 2 + 3,
        );
        let fits = middle - half >= free;
        if fits {
            free = middle + half;
        }
        fits
    };
    ticks.into_iter().filter(fits).collect()
}

fn as_number(value: &AxisValue) -> Option<f64> {
    match value {
        AxisValue::Integer(v) => Some(*v as f64),
        AxisValue::Float(v) if v.is_finite() => Some(*v),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_are_left_out() {
        let ticks = vec![
            (0.0, "0.001".to_owned()),
            (0.01, "0.002".to_owned()),
            (0.5, "0.1".to_owned()),
        ];
        let labels: Vec<String> = without_overlap(ticks, 500)
            .into_iter()
            .map(|t| t.1)
            .collect();
        assert_eq!(labels, ["0.001", "0.1"]);
    }
}
