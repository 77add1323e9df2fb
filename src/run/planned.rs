//! A run that is planned, and known to fit together.

use std::sync::Arc;

use super::preparation::Preparation;
use crate::data::{Counts, Footprint};
use crate::device::Chosen;
use crate::model::Blueprint;
use crate::spec::{Run, Spec};

/// A part of a run.
#[derive(Clone, Debug)]
pub struct PlannedStage {
    /// None where the run has no stages.
    pub name: Option<String>,
    /// Everything that holds for it.
    pub spec: Arc<Spec>,
    /// The run's network, with what of it this stage trains.
    pub blueprint: Arc<Blueprint>,
}

/// A run that is known to fit together.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    pub run: Run,
    /// The network that it leaves, with what of it the last stage trains; shared by the runs that have the same.
    pub blueprint: Arc<Blueprint>,
    /// What is done one after another; one stage where the spec has none.
    pub stages: Vec<PlannedStage>,
    /// The class names, in the order of the labels.
    pub classes: Arc<Vec<String>>,
    /// How many images it has, where its files say so before they are decoded.
    pub images: Option<Counts>,
    /// What its images take in memory.
    pub footprint: Footprint,
    /// What is to be said of its dataset: each a line.
    pub notes: Arc<[String]>,
    pub device: Chosen,
    /// After how many epochs it is held, where a search looks at it before its end.
    pub until: Option<usize>,
    /// How its images are prepared; none where another experiment has yet to leave the weights that say it.
    pub preparation: Option<Arc<Preparation>>,
}
