//! `--where KEY=VALUE`.

use std::str::FromStr;

use super::error::Error;
use super::recorded::Recorded;
use crate::spec::AxisValue;

/// Which runs are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub key: String,
    value: String,
    /// Whether the runs with this value are left out instead.
    is_not: bool,
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| Error::Filter(text.to_owned()))?;
        let (key, is_not) = match key.strip_suffix('!') {
            Some(key) => (key, true),
            None => (key, false),
        };
        let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
        let filter = Filter {
            key: unquoted(key),
            value: unquoted(value),
            is_not,
        };
        if filter.key.is_empty() {
            return Err(Error::Filter(text.to_owned()));
        }
        Ok(filter)
    }
}

impl Filter {
    /// Whether a run is looked at; numbers are compared as numbers.
    pub fn passes(&self, run: &Recorded) -> bool {
        let is_equal = run.value(&self.key).is_some_and(|value| {
            value.to_string() == self.value
                || is_list(&self.value) && closed(&value.to_string()) == closed(&self.value)
                || number(&value).is_some_and(|v| self.value.parse() == Ok(v))
        });
        is_equal != self.is_not
    }
}

/// A list or a table, as a spec has it.
fn is_list(text: &str) -> bool {
    text.starts_with(['[', '{'])
}

/// Without spaces, which lists may have or not.
fn closed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn number(value: &AxisValue) -> Option<f64> {
    match value {
        AxisValue::Integer(v) => Some(*v as f64),
        AxisValue::Float(v) => Some(*v),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_the_same_with_and_without_spaces_and_text_is_not() {
        let same = |one: &str, other: &str| is_list(one) && closed(one) == closed(other);
        assert!(same("[48,32]", "[48, 32]"));
        assert!(same("{name=\"adam\"}", "{ name = \"adam\" }"));
        assert!(!same("[48,32]", "[48, 33]"));
        assert!(!same("a b", "ab"));
    }
}
