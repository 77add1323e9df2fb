//! A run that is planned, and known to fit together.

use std::sync::Arc;

use super::preparation::Preparation;
use crate::data::{Counts, Footprint};
use crate::device::Chosen;
use crate::model::Blueprint;
use crate::spec::Run;

/// A run that is known to fit together.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    pub run: Run,
    /// Shared by the runs that have the same.
    pub blueprint: Arc<Blueprint>,
    /// The class names, in the order of the labels.
    pub classes: Arc<Vec<String>>,
    /// How many images it has, where its files say so before they are decoded.
    pub images: Option<Counts>,
    /// What its images take in memory.
    pub footprint: Footprint,
    /// What is to be said of its dataset: each a line.
    pub notes: Arc<[String]>,
    pub device: Chosen,
    /// How its images are prepared; none where another experiment has yet to leave the weights that say it.
    pub preparation: Option<Arc<Preparation>>,
}
