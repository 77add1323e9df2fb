//! Which runs the spec of an experiment has now, in the order of the sweep.

use std::fs;
use std::path::Path;

use super::Error;
use super::folder::write;
use crate::claim::Token;

/// The ids of the present spec's runs, one per line.
pub const PLAN_FILE: &str = "plan.txt";

/// Writes the ids of the present spec's runs.
///
/// # Errors
/// A file that cannot be written.
pub(crate) fn write_plan(folder: &Path, ids: &[String], token: &Token) -> Result<(), Error> {
    write(&folder.join(PLAN_FILE), &(ids.join("\n") + "\n"), token)
}

/// The ids of the present spec's runs, in the order of the sweep; none where they were not written down, as by earlier
/// versions.
pub fn read_plan(folder: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(folder.join(PLAN_FILE)).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}
