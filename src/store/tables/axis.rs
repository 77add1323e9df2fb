//! A swept key as a column.

use std::collections::HashMap;

use polars::prelude::{Column, DataType};

use crate::metric;
use crate::spec::{AxisValue, KeyKind, key_kind};
use crate::store::rows::{Axis, RunRow, value_at};

/// The columns that are no axis and no metric, of both tables.
const FIXED: &[&str] = &[
    "run",
    "epoch",
    "stage",
    "learning_rate",
    "seconds",
    "images_per_second",
    "peak_memory_mib",
    "status",
    "error",
    "epochs",
    "best_epoch",
    "skipped_images",
    "parameters",
    "trainable_parameters",
    "device",
    "spec",
    "contents",
    "version",
    "started",
];

/// Whether a column of this name is no axis.
fn is_fixed(name: &str) -> bool {
    let is_metric = |metric: &metric::Metric| {
        let part = name.strip_suffix(metric.name);
        part.is_some_and(|part| ["", "val_", "test_"].contains(&part))
    };
    FIXED.contains(&name) || metric::all().any(is_metric)
}

/// Stands before a key that has the name of another column.
const PREFIX: &str = "spec.";

/// The name of a key's column: the key itself, or `spec.<key>` where another column has that name.
pub(super) fn column_name(key: &str) -> String {
    if is_fixed(key) {
        format!("{PREFIX}{key}")
    } else {
        key.to_owned()
    }
}

/// The key of a column; absent for a column that is no axis.
pub(super) fn key_of(column: &str) -> Option<&str> {
    match column.strip_prefix(PREFIX) {
        Some(key) if is_fixed(key) => Some(key),
        _ if is_fixed(column) => None,
        _ => Some(column),
    }
}

/// The type all values of an axis fit in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean,
    Integer,
    Float,
    Text,
}

impl Kind {
    /// What a key of the spec takes, where that is one kind; a key that takes a number or a word, or one of another
    /// version's spec, is as its values are.
    fn of_key(key: &str) -> Option<Self> {
        Some(match key_kind(key)? {
            KeyKind::Boolean => Kind::Boolean,
            KeyKind::Integer => Kind::Integer,
            KeyKind::Float => Kind::Float,
            KeyKind::Text => Kind::Text,
        })
    }

    fn of(value: &AxisValue) -> Self {
        match value {
            AxisValue::Bool(_) => Kind::Boolean,
            AxisValue::Integer(_) => Kind::Integer,
            AxisValue::Float(_) => Kind::Float,
            AxisValue::Text(_) => Kind::Text,
        }
    }

    /// Integers and floats together are floats; anything else mixed is text.
    fn with(self, other: Kind) -> Kind {
        match (self, other) {
            (a, b) if a == b => a,
            (Kind::Integer, Kind::Float) | (Kind::Float, Kind::Integer) => Kind::Float,
            _ => Kind::Text,
        }
    }
}

/// The values that runs have of keys that they were not swept on, from their specs.
pub(super) struct Points<'a>(HashMap<&'a str, Vec<(String, AxisValue)>>);

impl<'a> Points<'a> {
    /// For the runs whose points lack one of the axes.
    pub(super) fn new(axes: &[AxisColumn], runs: &'a [RunRow]) -> Self {
        let missing = |run: &'a RunRow| {
            let lacks = |axis: &&AxisColumn| value_at(&run.point, &axis.key).is_none();
            let lacking: Vec<&AxisColumn> = axes.iter().filter(lacks).collect();
            if lacking.is_empty() {
                return None;
            }
            let keys = lacking.into_iter().map(|axis| axis.key.as_str());
            Some((run.run.as_str(), in_spec(&run.spec, keys)))
        };
        Points(runs.iter().filter_map(missing).collect())
    }

    fn value(&self, run: &str, key: &str) -> Option<&AxisValue> {
        value_at(self.0.get(run)?, key)
    }
}

/// The values that a recorded spec has of these keys; it is read only where there are any.
fn in_spec<'a>(spec: &str, keys: impl Iterator<Item = &'a str>) -> Vec<(String, AxisValue)> {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return Vec::new();
    }
    let spec = serde_json::from_str(spec).unwrap_or_default();
    let value = |key: &str| Some((key.to_owned(), AxisValue::at(&spec, key)?));
    keys.filter_map(value).collect()
}

/// The declared axes first and in their order, those that a run was not swept on with the values of its spec; then the
/// other keys of its point.
pub(super) fn completed(
    point: &[(String, AxisValue)],
    spec: &str,
    declared: &[Axis],
) -> Vec<(String, AxisValue)> {
    let lacks = |key: &&str| value_at(point, key).is_none();
    let lacking = declared.iter().map(|axis| axis.key.as_str()).filter(lacks);
    let found = in_spec(spec, lacking);
    let value = |axis: &Axis| {
        let value = value_at(point, &axis.key).or_else(|| value_at(&found, &axis.key))?;
        Some((axis.key.clone(), value.clone()))
    };
    let is_other = |(key, _): &&(String, AxisValue)| !declared.iter().any(|axis| axis.key == *key);
    let others = point.iter().filter(is_other).cloned();
    declared.iter().filter_map(value).chain(others).collect()
}

/// The column of one swept key.
#[derive(Clone, Debug)]
pub(super) struct AxisColumn {
    key: String,
    kind: Kind,
}

impl AxisColumn {
    /// The columns for the declared axes with their values, then for the other keys of the rows' points.
    ///
    /// The type is what the key takes in a spec, however its values were written; where it takes several, that of all
    /// values together, so that both tables have the same. A key without values is text.
    pub(super) fn all<'a>(
        declared: &'a [Axis],
        points: impl Iterator<Item = &'a Vec<(String, AxisValue)>>,
    ) -> Vec<AxisColumn> {
        let mut kinds: Vec<(&str, Option<Kind>)> = Vec::new();
        for axis in declared {
            let kind = axis.values.iter().map(Kind::of).reduce(Kind::with);
            kinds.push((&axis.key, kind));
        }
        for (key, value) in points.flatten() {
            let kind = Kind::of(value);
            match kinds.iter_mut().find(|(known, _)| known == key) {
                Some((_, old)) => *old = Some(old.map_or(kind, |old| old.with(kind))),
                None => kinds.push((key, Some(kind))),
            }
        }
        let columns = kinds.into_iter().map(|(key, kind)| AxisColumn {
            key: key.to_owned(),
            kind: Kind::of_key(key).or(kind).unwrap_or(Kind::Text),
        });
        columns.collect()
    }

    /// The column for rows of these runs with these points. A run that was not swept on the key has the value of its
    /// spec; null where that has none.
    pub(super) fn column<'a>(
        &self,
        specs: &'a Points<'_>,
        rows: impl Iterator<Item = (&'a str, &'a Vec<(String, AxisValue)>)>,
    ) -> Column {
        let name = column_name(&self.key).into();
        let values = rows.map(|(run, point)| {
            let swept = value_at(point, &self.key);
            swept.or_else(|| specs.value(run, &self.key))
        });
        match self.kind {
            Kind::Boolean => {
                let values: Vec<Option<bool>> = values.map(|v| v.and_then(as_bool)).collect();
                Column::new(name, values)
            }
            Kind::Integer => {
                let values: Vec<Option<i64>> = values.map(|v| v.and_then(as_integer)).collect();
                Column::new(name, values)
            }
            Kind::Float => {
                let values: Vec<Option<f64>> = values.map(|v| v.and_then(as_float)).collect();
                Column::new(name, values)
            }
            Kind::Text => {
                let values: Vec<Option<String>> =
                    values.map(|v| v.map(ToString::to_string)).collect();
                Column::new(name, values)
            }
        }
    }
}

fn as_bool(value: &AxisValue) -> Option<bool> {
    match value {
        AxisValue::Bool(v) => Some(*v),
        _ => None,
    }
}

fn as_integer(value: &AxisValue) -> Option<i64> {
    match value {
        AxisValue::Integer(v) => Some(*v),
        _ => None,
    }
}

fn as_float(value: &AxisValue) -> Option<f64> {
    match value {
        AxisValue::Integer(v) => Some(*v as f64),
        AxisValue::Float(v) => Some(*v),
        _ => None,
    }
}

/// The values of an axis column as they were declared; `None` for a column of a type no axis has.
pub(super) fn read(
    key: &str,
    column: &Column,
    declared: &[AxisValue],
) -> Option<Vec<Option<AxisValue>>> {
    let kind = Kind::of_key(key);
    // A mixed axis is stored as text or floats: the declared value is the one that reads the same.
    let restore = |value: AxisValue| {
        let value = match (kind, value) {
            // As earlier versions wrote numbers without a point.
            (Some(Kind::Float), AxisValue::Integer(v)) => AxisValue::Float(v as f64),
            (_, value) => value,
        };
        // Of axes with thousands of values.
        if declared.contains(&value) {
            return value;
        }
        let text = value.to_string();
        let same = declared.iter().find(|d| d.to_string() == text);
        same.cloned().unwrap_or(value)
    };
    let series = column.as_materialized_series();
    let values: Vec<Option<AxisValue>> = match column.dtype() {
        DataType::Boolean => series
            .bool()
            .ok()?
            .iter()
            .map(|v| v.map(AxisValue::Bool))
            .collect(),
        DataType::Int64 => series
            .i64()
            .ok()?
            .iter()
            .map(|v| v.map(AxisValue::Integer))
            .collect(),
        DataType::Float64 => series
            .f64()
            .ok()?
            .iter()
            .map(|v| v.map(AxisValue::Float))
            .collect(),
        DataType::String => {
            let text = series.str().ok()?.iter();
            text.map(|v| v.map(|v| AxisValue::Text(v.to_owned())))
                .collect()
        }
        _ => return None,
    };
    Some(values.into_iter().map(|v| v.map(restore)).collect())
}
