//! What a spec can choose by name, and the options that each choice takes: said once, beside what is chosen.
//!
//! Keys, defaults, ranges, the JSON Schema and every message about them come from here.

mod options;
mod range;

pub use options::{Options, Value};
pub use range::{LARGEST, MOST, Number, Range};

/// Something that a spec can choose by its name.
#[derive(Debug)]
pub struct Choice {
    /// As it stands in a spec.
    pub name: &'static str,
    pub options: &'static [Opt],
}

/// A key that a choice takes beside those of its table.
#[derive(Debug)]
pub struct Opt {
    pub name: &'static str,
    /// What it is, as a part of a sentence.
    pub about: &'static str,
    pub takes: Takes,
}

/// What an option's value can be, and its default.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    Real {
        default: f64,
        range: Range,
    },
    Count {
        default: usize,
        range: Range,
    },
    /// A number that must be said; `example` is shown where it is not.
    NeededCount {
        example: usize,
        range: Range,
    },
    Flag {
        default: bool,
    },
    /// A metric as it is recorded, that is watched while a run trains.
    Monitor {
        default: &'static str,
    },
}

impl Takes {
    /// The value of an option that is not set; none of one that must be.
    pub fn default(self) -> Option<Value> {
        match self {
            Takes::Real { default, .. } => Some(Value::Real(default)),
            Takes::Count { default, .. } => Some(Value::Count(default)),
            Takes::NeededCount { .. } => None,
            Takes::Flag { default } => Some(Value::Flag(default)),
            Takes::Monitor { default } => Some(Value::Text(default.to_owned())),
        }
    }

    /// A value to show as an example, of an option that must be set.
    pub fn example(self) -> Option<usize> {
        match self {
            Takes::NeededCount { example, .. } => Some(example),
            _ => None,
        }
    }

    /// What a number may be.
    pub fn range(self) -> Option<Range> {
        match self {
            Takes::Real { range, .. }
            | Takes::Count { range, .. }
            | Takes::NeededCount { range, .. } => Some(range),
            Takes::Flag { .. } | Takes::Monitor { .. } => None,
        }
    }
}

/// Every option of some choices, each name once, in the order in which they come first.
pub fn all_options<'a>(choices: impl IntoIterator<Item = &'a Choice>) -> Vec<&'static Opt> {
    let mut all: Vec<&'static Opt> = Vec::new();
    for option in choices.into_iter().flat_map(|choice| choice.options) {
        if !all.iter().any(|other| other.name == option.name) {
            all.push(option);
        }
    }
    all
}

/// The names of the choices that take an option.
pub fn owners<'a>(
    choices: impl IntoIterator<Item = &'a Choice>,
    option: &str,
) -> Vec<&'static str> {
    let takes = |choice: &&Choice| choice.options.iter().any(|other| other.name == option);
    let owners = choices.into_iter().filter(takes);
    owners.map(|choice| choice.name).collect()
}
