//! Weighted sums of all values, with a bias.

use super::function::{Activation, option};
use super::layer::{Layer, Role};
use crate::choice::{Choice, MOST, Opt, Options, Range, Takes, Unset, Value};
use crate::graph::op::Dense;

pub static DENSE: Layer = Layer {
    choice: Choice {
        name: "dense",
        options: &[UNITS, ACTIVATION],
    },
    role: Role::Dense,
    operation: |options, classes| {
        let units = match Units::of(options)? {
            Units::Classes => classes,
            Units::Count(units) => units,
        };
        Some(Dense::new(units).into())
    },
    activation: |options| Activation::of(options, &ACTIVATION),
};

pub const UNITS: Opt = Opt {
    name: "units",
    about: "how many values it gives, or as many as there are classes",
    takes: Takes::CountOr {
        of: "outputs",
        word: "classes",
        range: Range::Whole(1, MOST),
    },
};

pub const ACTIVATION: Opt = option(Unset::Default("linear"));

/// How many values a dense layer gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// As many as the dataset has classes.
    Classes,
    Count(usize),
}

impl Units {
    /// What options say; none where they do not.
    pub fn of(options: &Options) -> Option<Units> {
        match options.get(&UNITS)? {
            Value::Count(units) => Some(Units::Count(units)),
            Value::Text(_) => Some(Units::Classes),
            Value::Flag(_) | Value::Real(_) | Value::List(_) => None,
        }
    }
}

impl From<Units> for Value {
    fn from(units: Units) -> Self {
        match units {
            Units::Classes => Value::from("classes"),
            Units::Count(units) => Value::Count(units),
        }
    }
}
