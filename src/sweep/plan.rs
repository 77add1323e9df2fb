//! The runs of an experiment with their networks, checked before any data is read.

use std::collections::BTreeSet;

use super::start;
use crate::data;
use crate::device::{self, Chosen};
use crate::model::Blueprint;
use crate::spec::{self, Experiment, Precision, Problem, Run};

/// A run that is known to fit together.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    pub run: Run,
    pub blueprint: Blueprint,
    /// The class names, in the order of the labels.
    pub classes: Vec<String>,
    pub device: Chosen,
}

/// All runs of an experiment.
#[derive(Clone, Debug)]
pub struct Plan {
    pub runs: Vec<PlannedRun>,
    /// What is to be said of the files that the runs start from, each thing once.
    notes: BTreeSet<String>,
}

impl Plan {
    /// Plans every run.
    ///
    /// # Errors
    /// The first mistake, with the index of its run.
    pub fn new(experiment: &Experiment) -> Result<Plan, (usize, Problem)> {
        let mut planner = Planner::default();
        let plan = |(i, run)| planner.plan(run).map_err(|problem| (i, problem));
        let runs = experiment
            .runs
            .iter()
            .enumerate()
            .map(plan)
            .collect::<Result<_, _>>()?;
        Ok(Plan {
            runs,
            notes: planner.notes,
        })
    }

    /// A line for each choice that the specs leave open: the device, and how files are read that need an
    /// interpretation.
    pub fn choices(&self) -> BTreeSet<&str> {
        let devices = self.runs.iter().filter_map(|run| run.device.why.as_deref());
        devices
            .chain(self.notes.iter().map(String::as_str))
            .collect()
    }
}

/// What the runs share and is looked up once.
#[derive(Default)]
struct Planner {
    devices: Vec<((spec::Device, Precision), Chosen)>,
    classes: Vec<(spec::Dataset, Vec<String>)>,
    weights: start::Checked,
    notes: BTreeSet<String>,
}

impl Planner {
    fn plan(&mut self, run: &Run) -> Result<PlannedRun, Problem> {
        let spec = &run.spec;
        let device = self.device(&spec.training)?;
        let classes = self.classes(&spec.dataset)?;
        let blueprint = Blueprint::new(spec, classes.len())?;
        self.notes
            .extend(start::check(spec, &blueprint, &mut self.weights)?);
        Ok(PlannedRun {
            run: run.clone(),
            blueprint,
            classes,
            device,
        })
    }

    fn device(&mut self, training: &spec::Training) -> Result<Chosen, Problem> {
        let wanted = (training.device, training.precision);
        if let Some((_, chosen)) = self.devices.iter().find(|(known, _)| *known == wanted) {
            return Ok(chosen.clone());
        }
        let chosen = device::choose(training)?;
        self.devices.push((wanted, chosen.clone()));
        Ok(chosen)
    }

    fn classes(&mut self, dataset: &spec::Dataset) -> Result<Vec<String>, Problem> {
        if let Some((_, classes)) = self.classes.iter().find(|(known, _)| known == dataset) {
            return Ok(classes.clone());
        }
        let classes = data::classes(dataset).map_err(|error| match error {
            data::Error::Spec(problem) => problem,
            other => Problem::new("dataset.path", other.to_string()),
        })?;
        self.classes.push((dataset.clone(), classes.clone()));
        Ok(classes)
    }
}
