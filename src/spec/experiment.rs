//! An experiment: the base spec, its sweep, and the concrete runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::origin::Origin;
use super::{Spec, Sweep};

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

/// One point of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// A readable prefix made of the point, and a short hash of everything that decides the result.
    pub id: String,
    /// The swept keys with this run's values, in the order of the file; empty without a sweep.
    pub point: Vec<(String, AxisValue)>,
    /// The spec at this point.
    pub spec: Spec,
}

/// A loaded spec file: what to run, and where every value came from.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The spec without the sweep applied.
    pub spec: Spec,
    /// The sweep as written.
    pub sweep: Sweep,
    /// Every run, in order; at least one.
    pub runs: Vec<Run>,
    /// Where everything was written.
    pub(super) origin: Origin,
}

impl Experiment {
    /// What is to be said of the environment's variables that look as if they set a key, and do not.
    pub fn warnings(&self) -> &[String] {
        &self.origin.warnings
    }

    /// The swept keys with the values that runs have, both in the order of the file.
    pub fn axes(&self) -> Vec<(String, Vec<AxisValue>)> {
        let axis = |(key, _): (&str, &[toml::Value])| {
            let mut values: Vec<AxisValue> = Vec::new();
            for (_, value) in self
                .runs
                .iter()
                .flat_map(|run| &run.point)
                .filter(|(k, _)| k == key)
            {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            (key.to_owned(), values)
        };
        self.sweep.in_order().map(axis).collect()
    }
}

/// A mistake in a spec that is found after it was read; `key` leads to the place it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key that is to be changed, e.g. `freeze.through` or `head.0.units`.
    pub key: String,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether a path is not there, so that where relative paths start is worth saying.
    pub is_missing_path: bool,
}

impl Problem {
    /// A problem at `key` without further help.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Problem {
            key: key.into(),
            message: message.into(),
            help: None,
            is_missing_path: false,
        }
    }

    /// A path that is not there.
    pub fn missing_path(key: impl Into<String>, message: impl Into<String>) -> Self {
        Problem {
            is_missing_path: true,
            ..Problem::new(key, message)
        }
    }

    /// Adds what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)?;
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for Problem {}
