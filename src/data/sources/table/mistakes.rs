//! Rows that are not as they should be: the first few, and how many there are.

use crate::data::error::Error;
use crate::spec::Problem;
use crate::text::thousands;

/// So many are shown.
const SHOWN: usize = 3;

/// Rows with the same mistake.
#[derive(Default)]
pub(in crate::data::sources) struct Mistakes {
    shown: Vec<String>,
    count: usize,
}

impl Mistakes {
    /// Another row: where it is, and what is wrong.
    pub fn add(&mut self, what: impl FnOnce() -> String) {
        if self.shown.len() < SHOWN {
            self.shown.push(what());
        }
        self.count += 1;
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// `table.csv line 2: …; line 7: …; …`
    pub fn listed(&self) -> String {
        let more = if self.count > SHOWN { "; …" } else { "" };
        format!("{}{more}", self.shown.join("; "))
    }

    /// Refuses the rows, where there are any: the key that is to be changed or leads to them, what they
    /// have, and what helps.
    pub fn refuse(
        &self,
        key: &str,
        what: &str,
        help: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let rows = match self.count {
            0 => return Ok(()),
            1 => "1 row".to_owned(),
            count => format!("{} rows", thousands(count)),
        };
        let message = format!("{rows} with {what}: {}", self.listed());
        Err(Problem::new(format!("dataset.{key}"), message)
            .help(help())
            .into())
    }
}
