//! The options that are set.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess};
use serde::{Deserialize, Serialize, Serializer};

use super::{Number, NumberOrWord, NumberOrWordVisitor, Opt, Takes};
use crate::names::Name;

/// An option's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Flag(bool),
    Count(usize),
    Real(f64),
    Text(String),
    List(Vec<f64>),
}

impl Value {
    /// Its numbers, each with its place in a list.
    pub fn numbers(&self) -> Vec<(Option<usize>, Number)> {
        match self {
            Value::Count(count) => vec![(None, Number::Whole(*count))],
            Value::Real(real) => vec![(None, Number::Real(*real))],
            Value::List(list) => {
                let numbers = list.iter().enumerate();
                let number = |(at, real): (usize, &f64)| (Some(at), Number::Real(*real));
                numbers.map(number).collect()
            }
            Value::Flag(_) | Value::Text(_) => Vec::new(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Count(count) => write!(f, "{count}"),
            Value::Real(real) if *real != 0.0 && real.abs() < 1e-2 => write!(f, "{real:e}"),
            Value::Real(real) => write!(f, "{real}"),
            Value::Text(text) => write!(f, "\"{text}\""),
            Value::List(list) => write!(f, "{list:?}"),
        }
    }
}

/// Options by name, as they are set; those that are not have their defaults. Copies share them until they are changed: the
/// runs of a sweep have most of them in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options(Arc<BTreeMap<&'static str, Value>>);

impl Serialize for Options {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Options {
    /// With another option set.
    pub fn with(mut self, option: &Opt, value: impl Into<Value>) -> Self {
        self.put(option, value);
        self
    }

    /// With an option not set.
    pub fn without(mut self, option: &Opt) -> Self {
        Arc::make_mut(&mut self.0).remove(option.name);
        self
    }

    /// Sets an option.
    pub fn put(&mut self, option: &Opt, value: impl Into<Value>) {
        Arc::make_mut(&mut self.0).insert(option.name, value.into());
    }

    /// Takes the value of an option from a table that is being read.
    ///
    /// # Errors
    /// A value of another type.
    pub fn read<'de, A: MapAccess<'de>>(
        &mut self,
        option: &Opt,
        table: &mut A,
    ) -> Result<(), A::Error> {
        let value = match option.takes {
            Takes::Real { .. } => Value::Real(next(table)?),
            Takes::Count { .. } => Value::Count(next(table)?),
            Takes::CountOr { of, word, .. } => table.next_value_seed(CountOr { of, word })?,
            Takes::PerChannel { .. } => Value::List(next(table)?),
            Takes::Flag { .. } => Value::Flag(next(table)?),
            Takes::Name { names, .. } => table.next_value_seed(OneOf(names))?,
            Takes::Text { .. } | Takes::Monitor { .. } => Value::Text(next(table)?),
        };
        Arc::make_mut(&mut self.0).insert(option.name, value);
        Ok(())
    }

    /// What is set.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Whether an option is set.
    pub fn has(&self, option: &Opt) -> bool {
        self.0.contains_key(option.name)
    }

    /// Sets the defaults of `options` that are not set.
    pub fn fill(&mut self, options: &[Opt]) {
        for option in options {
            if let (false, Some(default)) = (self.has(option), option.takes.default()) {
                Arc::make_mut(&mut self.0).insert(option.name, default);
            }
        }
    }

    /// The value of an option, or its default; none where one is needed and not set.
    pub fn get(&self, option: &Opt) -> Option<Value> {
        let set = self.0.get(option.name).cloned();
        set.or_else(|| option.takes.default())
    }

    /// The value of an option that takes a number.
    pub fn real(&self, option: &Opt) -> f64 {
        match self.get(option) {
            Some(Value::Real(real)) => real,
            Some(Value::Count(count)) => count as f64,
            _ => 0.0,
        }
    }

    /// The value of an option that takes a whole number; 0 where one is needed and not set, which no loaded spec has.
    pub fn count(&self, option: &Opt) -> usize {
        match self.get(option) {
            Some(Value::Count(count)) => count,
            _ => 0,
        }
    }

    /// The value of an option that takes a number for all channels or one each; none where it is not set.
    pub fn list(&self, option: &Opt) -> Option<&[f64]> {
        match self.0.get(option.name) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// The value of an option that takes true or false.
    pub fn flag(&self, option: &Opt) -> bool {
        matches!(self.get(option), Some(Value::Flag(true)))
    }

    /// The value of an option that takes a name or a metric; empty where one is needed and not set.
    pub fn text(&self, option: &Opt) -> String {
        self.text_if_set(option).unwrap_or_default()
    }

    /// The value of an option that takes text, or its default; none where there is neither.
    pub fn text_if_set(&self, option: &Opt) -> Option<String> {
        match self.get(option) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

fn next<'de, T: Deserialize<'de>, A: MapAccess<'de>>(table: &mut A) -> Result<T, A::Error> {
    table.next_value()
}

/// A number of something, or a word.
struct CountOr {
    of: &'static str,
    word: &'static str,
}

impl<'de> DeserializeSeed<'de> for CountOr {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let expected = format!("a number of {} or \"{}\"", self.of, self.word);
        let wrong = |found| de::Error::invalid_value(found, &expected.as_str());
        match deserializer.deserialize_any(NumberOrWordVisitor(&expected))? {
            NumberOrWord::Number(0) => Err(wrong(de::Unexpected::Unsigned(0))),
            NumberOrWord::Number(count) => Ok(Value::Count(count)),
            NumberOrWord::Word(word) if word == self.word => Ok(Value::Text(word)),
            NumberOrWord::Word(word) => Err(wrong(de::Unexpected::Str(&word))),
        }
    }
}

/// One of these names.
struct OneOf(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let name = deserializer.deserialize_any(Name(self.0))?;
        match self.0.contains(&name.as_str()) {
            true => Ok(Value::Text(name)),
            false => Err(de::Error::unknown_variant(&name, self.0)),
        }
    }
}
