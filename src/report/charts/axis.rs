//! A swept key as an axis of a chart.

use std::collections::HashMap;

use super::frame::{Axis, Ticks, ticks};
use super::scale::Scale;
use crate::analysis::Unit;
use crate::report::Experiment;
use crate::report::experiment::number;
use crate::spec::{AxisValue, is_ordered_by_depth};
use crate::store::text;

/// So many numbers have a tick each; of more, round ones have.
const MOST_TICKS: usize = 12;

/// The values of a swept key, and where they stand.
pub struct Swept {
    pub key: String,
    /// Numbers by size, freeze depths from shallow to deep, others as swept.
    pub values: Vec<AxisValue>,
    kind: Kind,
    positions: HashMap<String, usize>,
}

enum Kind {
    /// One place per value, in no order of their own.
    Names,
    /// One place per value, in an order; how far they are apart is unknown.
    Ordered,
    /// By their size.
    Numbers(Scale),
}

impl Swept {
    /// The axis of this place in the comparison.
    pub fn new(experiment: &Experiment, axis: usize) -> Option<Self> {
        let key = experiment.comparison.as_ref()?.axes.get(axis)?.clone();
        let values = experiment.values_of(axis);
        let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
        let kind = match numbers {
            // Depths counted in layers are names that happen to be numbers.
            _ if is_ordered_by_depth(&key) => Kind::Ordered,
            Some(numbers) => Kind::Numbers(Scale::fit(numbers.into_iter())),
            None => Kind::Names,
        };
        let positions = values.iter().map(ToString::to_string).zip(0..);
        Some(Swept {
            positions: positions.collect(),
            key,
            values,
            kind,
        })
    }

    /// A key whose values are names, whatever they look like: no value is more than another.
    pub fn of_names(key: &str, values: Vec<AxisValue>) -> Self {
        let positions = values.iter().map(ToString::to_string).zip(0..);
        Swept {
            key: key.to_owned(),
            positions: positions.collect(),
            values,
            kind: Kind::Names,
        }
    }

    /// Whether a line from value to value means anything.
    pub fn has_order(&self) -> bool {
        !matches!(self.kind, Kind::Names)
    }

    /// Whether values stand by their size, so that beside a value's place is another value.
    pub fn is_numeric(&self) -> bool {
        matches!(self.kind, Kind::Numbers(_))
    }

    /// Where a value stands, in [0, 1].
    pub fn place(&self, value: &AxisValue) -> Option<f64> {
        match &self.kind {
            Kind::Numbers(scale) => scale.place(number(value)?),
            Kind::Names | Kind::Ordered => {
                let at = self.position(value)?;
                Some((at as f64 + 0.5) / self.values.len() as f64)
            }
        }
    }

    /// Its place in the order of the values.
    pub fn position(&self, value: &AxisValue) -> Option<usize> {
        self.positions.get(&value.to_string()).copied()
    }

    /// Ticks and name; a plot has room for `room` ticks at round numbers.
    pub fn axis(&self, room: usize) -> Axis {
        let ticks = match &self.kind {
            Kind::Numbers(scale) if self.values.len() > room.min(MOST_TICKS) => {
                ticks(scale, Unit::Plain, room.min(8))
            }
            _ => self.ticks(),
        };
        Axis {
            ticks,
            label: match &self.kind {
                Kind::Names => self.key.clone(),
                Kind::Ordered => format!("{}, from shallow to deep", self.key),
                Kind::Numbers(scale) => scale.label(&self.key),
            },
        }
    }

    fn ticks(&self) -> Ticks {
        let tick = |v: &AxisValue| Some((self.place(v)?, text::value(v)));
        self.values.iter().filter_map(tick).collect()
    }
}
