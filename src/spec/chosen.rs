//! What becomes of options whose choice a later overlay of a spec replaces.

use figment::value::{Dict, Value};

use super::key::{self, KeyPath};
use super::position::Position;
use super::tree;
use super::types::{DatasetTable, Normalization, Optimizer, Resize, Schedule, Sweep, Table};
use crate::choice::Choice;

/// A table whose options depend on what one of its keys names.
struct Tagged {
    table: &'static [&'static str],
    tag: &'static str,
    choices: &'static [&'static Choice],
}

impl Tagged {
    fn new<T: Table>(table: &'static [&'static str]) -> Self {
        Tagged {
            table,
            tag: T::TAG,
            choices: &T::shape().choices,
        }
    }

    fn all() -> [Tagged; 6] {
        [
            Tagged::new::<DatasetTable>(&["dataset"]),
            Tagged::new::<Normalization>(&["normalization"]),
            Tagged::new::<Resize>(&["resize"]),
            Tagged::new::<Optimizer>(&["optimizer"]),
            Tagged::new::<Schedule>(&["optimizer", "schedule"]),
            Tagged::new::<Sweep>(&["sweep"]),
        ]
    }

    fn path(&self, key: &str) -> KeyPath {
        key::path(&[self.table, &[key]].concat())
    }

    /// What a tag names.
    fn named(&self, tag: Option<&Value>) -> Option<&'static Choice> {
        let name = tag?.as_str()?;
        let mut choices = self.choices.iter().copied();
        choices.find(|choice| choice.name == name)
    }
}

/// An option that is left out.
pub(super) struct LeftOut {
    pub path: KeyPath,
    /// What is chosen now.
    choice: &'static str,
}

impl LeftOut {
    /// What is said of it.
    pub(super) fn explain(&self, place: &Position) -> String {
        let (option, choice) = (key::dotted(&self.path), self.choice);
        format!(
            "`{option}` of {place} is left out: it is no option of {choice}, which is chosen instead"
        )
    }
}

/// The options in `below` that belong to what an overlay with these `values` replaces, and not to what it chooses.
pub(super) fn options_to_leave_out(below: &Value, values: &Dict) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    for tagged in Tagged::all() {
        let tag = tagged.path(tagged.tag);
        let Some(new) = tagged.named(tree::get_in(values, &tag)) else {
            continue;
        };
        let old = tagged.named(tree::get(below, &tag));
        for option in old.into_iter().flat_map(|old| old.options) {
            let path = tagged.path(option.name);
            let is_taken = new.options.iter().any(|other| other.name == option.name);
            if !is_taken && tree::get(below, &path).is_some() {
                left_out.push(LeftOut {
                    path,
                    choice: new.name,
                });
            }
        }
    }
    left_out
}
