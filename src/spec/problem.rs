//! Mistakes that are found after a spec was read.

use std::fmt;

use crate::choice::Mistake;

/// A mistake in a spec that is found after it was read; `key` leads to the place it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key that is to be changed, e.g. `freeze.through` or `head.0.units`.
    pub key: String,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The key that chose what the problem is with, e.g. `optimizer.name`.
    pub chosen_by: Option<String>,
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
            chosen_by: None,
            is_missing_path: false,
        }
    }

    /// Of what the value of this key takes.
    pub(super) fn chosen_by(mut self, key: impl Into<String>) -> Self {
        self.chosen_by = Some(key.into());
        self
    }

    /// A path that is not there.
    pub fn missing_path(key: impl Into<String>, message: impl Into<String>) -> Self {
        Problem {
            is_missing_path: true,
            ..Problem::new(key, message)
        }
    }

    /// What is wrong with the options of what `table` names.
    pub(super) fn in_table(table: &str, mistake: Mistake) -> Self {
        Problem {
            help: mistake.help,
            ..Problem::new(format!("{table}.{}", mistake.key), mistake.message)
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
