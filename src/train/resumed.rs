//! Where a run that was stopped goes on.

use super::checkpoint::{self, Keeper};
use super::earlier::Earlier;
use super::error::Error;
use super::state;

/// What was done before the stage that the keeper's newest checkpoint is of; nothing without one.
///
/// # Errors
/// A checkpoint of another version.
pub fn resumed(keeper: &Keeper) -> Result<Earlier, Error> {
    let Some((path, checkpoint)) = keeper.newest()? else {
        return Ok(Earlier::default());
    };
    let earlier = state::earlier(checkpoint);
    Ok(earlier.map_err(|why| checkpoint::Error::Foreign { path, why })?)
}
