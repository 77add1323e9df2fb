//! Numbers on the command line.

use std::num::NonZeroUsize;

/// A count of at least 1.
pub(super) fn from_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "expected a whole number from 1")
}
