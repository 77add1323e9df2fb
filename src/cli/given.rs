//! The spec that was given on the command line.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::meant;
use crate::experiment::Error;
use crate::sink::progress::Verbosity;
use crate::spec::Experiment;
use crate::terminal;

/// Whether a spec says what to predict with, and nothing to train.
pub(super) fn is_published_alone(spec: &Path, overrides: &[String]) -> Result<bool, Failure> {
    let found = Experiment::is_published_alone(spec, overrides);
    found.map_err(|error| Error::Spec(error).into())
}

/// The spec file that is meant; said where it is not the one that was named.
pub(super) fn spec(given: &Path, verbosity: Verbosity) -> Result<PathBuf, Failure> {
    let spec = meant::spec(given)?;
    if spec != given && verbosity > Verbosity::Quiet {
        terminal::say(&format!("using {}", spec.display()));
    }
    Ok(spec)
}
