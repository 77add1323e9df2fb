//! What a spec can choose by name, and the options that each choice takes: said once, beside what is chosen.
//!
//! Keys, defaults, ranges, the JSON Schema and every message about them come from here.

mod mistake;
mod number_or_word;
mod options;
mod range;

pub use mistake::Mistake;
pub use number_or_word::{NumberOrWord, NumberOrWordVisitor};
pub use options::{Options, Value};
pub use range::{LARGEST, MOST, Number, Range, Refused};

/// Something that a spec can choose by its name.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// As it stands in a spec.
    pub name: &'static str,
    pub options: &'static [Opt],
}

impl Choice {
    /// One without options.
    pub const fn plain(name: &'static str) -> Self {
        Choice { name, options: &[] }
    }

    /// The options that must be set and are not.
    pub fn missing(&self, options: &Options) -> impl Iterator<Item = &'static Opt> {
        let is_missing = |option: &&Opt| option.takes.is_needed() && !options.has(option);
        self.options.iter().filter(is_missing)
    }
}

/// A key that a choice takes beside those of its table.
#[derive(Debug)]
pub struct Opt {
    pub name: &'static str,
    /// What it is, as a part of a sentence.
    pub about: &'static str,
    pub takes: Takes,
}

/// What an option's value can be.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    Real {
        unset: Unset<f64>,
        range: Range,
    },
    Count {
        unset: Unset<usize>,
        range: Range,
    },
    /// A number of something, or a word that stands for one; it must be set.
    CountOr {
        of: &'static str,
        word: &'static str,
        range: Range,
    },
    /// A number for all channels, or one each in RGB order; it must be set.
    PerChannel {
        example: &'static [f64],
        range: Range,
    },
    Flag {
        default: bool,
    },
    /// One of a few names.
    Name {
        unset: Unset<&'static str>,
        names: &'static [&'static str],
    },
    /// Any text; it need not be set where there is no default.
    Text {
        default: Option<&'static str>,
    },
    /// A metric as it is recorded, that is watched while a run trains.
    Monitor {
        default: &'static str,
    },
}

/// What holds where an option is not set.
#[derive(Clone, Copy, Debug)]
pub enum Unset<T> {
    Default(T),
    /// It must be set, e.g. to this.
    Needed(T),
    /// It need not be set, and means something else then.
    Optional,
}

impl<T> Unset<T> {
    fn default(self) -> Option<T> {
        match self {
            Unset::Default(default) => Some(default),
            Unset::Needed(_) | Unset::Optional => None,
        }
    }

    fn example(self) -> Option<T> {
        match self {
            Unset::Default(_) | Unset::Optional => None,
            Unset::Needed(example) => Some(example),
        }
    }
}

impl Takes {
    /// The value of an option that is not set; none of one that must be.
    pub fn default(self) -> Option<Value> {
        match self {
            Takes::Real { unset, .. } => unset.default().map(Value::Real),
            Takes::Count { unset, .. } => unset.default().map(Value::Count),
            Takes::CountOr { .. } | Takes::PerChannel { .. } => None,
            Takes::Flag { default } => Some(Value::Flag(default)),
            Takes::Name { unset, .. } => unset.default().map(Value::from),
            Takes::Text { default } => default.map(Value::from),
            Takes::Monitor { default } => Some(Value::from(default)),
        }
    }

    /// Whether an option must be set.
    pub fn is_needed(self) -> bool {
        let is_optional = match self {
            Takes::Text { .. } => true,
            Takes::Real { unset, .. } => matches!(unset, Unset::Optional),
            Takes::Count { unset, .. } => matches!(unset, Unset::Optional),
            Takes::Name { unset, .. } => matches!(unset, Unset::Optional),
            _ => false,
        };
        self.default().is_none() && !is_optional
    }

    /// A value to show as an example, of an option that must be set.
    pub fn example(self) -> Option<Value> {
        match self {
            Takes::Real { unset, .. } => unset.example().map(Value::Real),
            Takes::Count { unset, .. } => unset.example().map(Value::Count),
            Takes::CountOr { word, .. } => Some(Value::from(word)),
            Takes::PerChannel { example, .. } => Some(Value::List(example.to_vec())),
            Takes::Name { unset, .. } => unset.example().map(Value::from),
            Takes::Flag { .. } | Takes::Text { .. } | Takes::Monitor { .. } => None,
        }
    }

    /// What a number may be.
    pub fn range(self) -> Option<Range> {
        match self {
            Takes::Real { range, .. }
            | Takes::Count { range, .. }
            | Takes::CountOr { range, .. }
            | Takes::PerChannel { range, .. } => Some(range),
            Takes::Flag { .. }
            | Takes::Name { .. }
            | Takes::Text { .. }
            | Takes::Monitor { .. } => None,
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
