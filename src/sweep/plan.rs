//! The runs of an experiment with their networks, checked before any data is read.

use crate::data;
use crate::device;
use crate::model::Blueprint;
use crate::spec::{Experiment, Problem, Run};

/// A run that is known to fit together.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    pub run: Run,
    pub blueprint: Blueprint,
    /// The class names, in the order of the labels.
    pub classes: Vec<String>,
}

/// All runs of an experiment.
#[derive(Clone, Debug)]
pub struct Plan {
    pub runs: Vec<PlannedRun>,
}

impl Plan {
    /// Plans every run.
    ///
    /// # Errors
    /// The first mistake, with the index of its run.
    pub fn new(experiment: &Experiment) -> Result<Plan, (usize, Problem)> {
        let plan = |(i, run)| plan_run(run).map_err(|problem| (i, problem));
        let runs = experiment
            .runs
            .iter()
            .enumerate()
            .map(plan)
            .collect::<Result<_, _>>()?;
        Ok(Plan { runs })
    }
}

fn plan_run(run: &Run) -> Result<PlannedRun, Problem> {
    let spec = &run.spec;
    device::open(spec.training.device)?;
    let classes = data::classes(&spec.dataset)
        .map_err(|error| Problem::new("dataset.path", error.to_string()))?;
    let blueprint = Blueprint::new(spec, classes.len())?;
    Ok(PlannedRun {
        run: run.clone(),
        blueprint,
        classes,
    })
}
