//! The concrete runs of an experiment: points of its sweep.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::key;
use super::types::Spec;

/// A value on a sweep axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AxisValue {
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// Text, and everything that is not a scalar (as TOML).
    Text(String),
}

impl fmt::Display for AxisValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisValue::Bool(v) => write!(f, "{v}"),
            AxisValue::Integer(v) => write!(f, "{v}"),
            AxisValue::Float(v) => write!(f, "{v}"),
            AxisValue::Text(v) => f.write_str(v),
        }
    }
}

impl AxisValue {
    /// The value of a key (`head.0.units`) in a spec as JSON; a table or list as TOML, none where the key is not set.
    pub fn at(spec: &serde_json::Value, key: &str) -> Option<Self> {
        let path: Vec<&str> = key.split('.').collect();
        Self::in_spec(spec, &path).or_else(|| {
            let value = Self::find(spec, &path).filter(|value| !value.is_null())?;
            Some(AxisValue::Text(as_toml(value)))
        })
    }

    fn find<'a, K: AsRef<str>>(
        spec: &'a serde_json::Value,
        path: &[K],
    ) -> Option<&'a serde_json::Value> {
        path.iter().try_fold(spec, |value, part| {
            let part = part.as_ref();
            match part.parse::<usize>() {
                Ok(index) if value.is_array() => value.get(index),
                _ => value.get(part),
            }
        })
    }

    /// The plain value of a key in a spec as JSON; none for a table or list, and where the key is not set.
    pub(super) fn in_spec<K: AsRef<str>>(spec: &serde_json::Value, path: &[K]) -> Option<Self> {
        let value = Self::find(spec, path)?;
        match value {
            serde_json::Value::Bool(v) => Some(AxisValue::Bool(*v)),
            serde_json::Value::String(v) => Some(AxisValue::Text(v.clone())),
            serde_json::Value::Number(v) if v.is_f64() => v.as_f64().map(AxisValue::Float),
            serde_json::Value::Number(v) => v.as_i64().map(AxisValue::Integer),
            _ => None,
        }
    }
}

/// A table or a list as it stands on an axis.
fn as_toml(value: &serde_json::Value) -> String {
    let toml = toml::Value::try_from(value);
    toml.map_or_else(|_| value.to_string(), |value| value.to_string())
}

/// One point of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// A readable prefix made of the point, and a short hash of everything that decides the result.
    pub id: String,
    /// The swept keys with this run's values, in the order of the file; empty without a sweep.
    pub point: Vec<(String, AxisValue)>,
    /// The spec at this point.
    pub spec: Arc<Spec>,
    /// What the files of the spec hold, as far as it is known; of weights that another run trained, what it was.
    pub contents: Contents,
    /// The place of each value of the point on its axis.
    pub(super) places: Vec<usize>,
    /// The SHA-256 of everything that decides the result, in hex digits.
    pub(super) fingerprint: String,
}

impl Run {
    /// The run at a point, named by its spec alone.
    pub fn new(point: Vec<(String, AxisValue)>, spec: Spec) -> Self {
        let mut run = Run {
            id: String::new(),
            point,
            spec: Arc::new(spec),
            contents: Contents::new(),
            places: Vec::new(),
            fingerprint: String::new(),
        };
        run.identify(&Contents::new());
        run
    }

    /// The SHA-256 of everything that decides the result, in hex digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The first axis on which both runs have another value, as it is written.
    pub fn axis_that_differs(&self, other: &Run) -> Option<&str> {
        let places = self.places.iter().zip(&other.places);
        let mut axes = self.point.iter().zip(places);
        let differs = axes.find(|(_, (one, other))| one != other);
        differs.map(|((axis, _), _)| axis.as_str())
    }

    /// Puts a spec that means the same in the place of the run's own.
    pub fn put_in_other_words(&mut self, spec: Spec) {
        let values = serde_json::to_value(&spec).unwrap_or_default();
        for (axis, value) in &mut self.point {
            let path = key::parse(axis).unwrap_or_default();
            if let Some(said) = AxisValue::in_spec(&values, &path) {
                *value = said;
            }
        }
        self.spec = Arc::new(spec);
    }
}
