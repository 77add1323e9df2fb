//! What the stages of a run before the present one have left.

use std::sync::Arc;

use super::epoch::Epoch;
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
