//! The ways in which several keys can be written.

use std::fmt;

use serde::de::{self, Visitor};

/// A number or a word.
pub enum NumberOrWord {
    Number(usize),
    Word(String),
}

/// Reads a number or a word; what is expected, in words.
pub struct NumberOrWordVisitor<'a>(pub &'a str);

impl Visitor<'_> for NumberOrWordVisitor<'_> {
    type Value = NumberOrWord;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<NumberOrWord, E> {
        usize::try_from(v)
            .map(NumberOrWord::Number)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(v), &self.0))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<NumberOrWord, E> {
        usize::try_from(v)
            .map(NumberOrWord::Number)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(v), &self.0))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<NumberOrWord, E> {
        Ok(NumberOrWord::Word(v.to_owned()))
    }
}
