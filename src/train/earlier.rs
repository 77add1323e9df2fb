//! What the stages of a run before the present one have left.

use std::sync::Arc;

use super::checkpoint::{self, Keeper};
use super::epoch::Epoch;
use super::error::Error;
use super::state;
use crate::model::Weights;

/// Where a stage begins: nothing before the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    /// How many stages are done.
    pub stages: usize,
    /// Those of all of them.
    pub epochs: Vec<Epoch>,
    /// Updates done.
    pub steps: u64,
    /// What they changed, as it is now.
    pub learned: Arc<Weights>,
}

impl Earlier {
    /// What was done before the stage that the keeper's newest checkpoint is of.
    ///
    /// # Errors
    /// A checkpoint of another version.
    pub fn of_newest(keeper: &Keeper) -> Result<Self, Error> {
        let Some((path, checkpoint)) = keeper.newest()? else {
            return Ok(Earlier::default());
        };
        let earlier = state::earlier(checkpoint);
        Ok(earlier.map_err(|why| checkpoint::Error::Foreign { path, why })?)
    }
}
