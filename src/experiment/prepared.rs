//! A checked experiment with those that it builds on: `backbone.weights = { experiment = "pretrain.toml" }`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::identity::{Sources, Unnamed, identify};
use super::only;
use super::options::Options;
use crate::run::{PlannedRun, Upstream, check_upstream};
use crate::sink::Done;
use crate::spec::{Experiment, Problem, Run, Save, Weights};
use crate::store::model_file;
use crate::sweep::{Plan, Planner};

/// A checked experiment with those it builds on, its runs named.
#[derive(Debug)]
pub(super) struct Prepared {
    pub experiment: Experiment,
    pub plan: Plan,
    pub chain: Predecessors,
    pub unnamed: Unnamed,
    planner: Planner,
}

impl Prepared {
    /// Names the runs of an experiment that builds on `chain`, and plans them.
    fn new(
        experiment: Experiment,
        chain: Predecessors,
        sources: Sources<'_>,
    ) -> Result<Self, Error> {
        let mut prepared = Prepared {
            experiment,
            plan: Plan::default(),
            chain,
            unnamed: Unnamed::default(),
            planner: Planner::default(),
        };
        prepared.extend(sources)?;
        prepared.check_possible()?;
        Ok(prepared)
    }

    /// Looks for mistakes in what a search may come to ask for when hours have passed.
    fn check_possible(&self) -> Result<(), Error> {
        if self.experiment.is_over || self.experiment.is_halved() {
            return Ok(());
        }
        let possible = self.experiment.possible()?;
        Plan::new(&possible).map(|_| ()).map_err(|(i, problem)| {
            Error::Spec(possible.problem(possible.runs.get(i), &problem).into())
        })
    }

    /// Names the runs that are not planned yet, and plans them.
    ///
    /// # Errors
    /// A file that cannot be read, and mistakes in the runs, shown where they come from.
    pub(super) fn extend(&mut self, sources: Sources<'_>) -> Result<(), Error> {
        let Prepared {
            experiment,
            plan,
            chain,
            unnamed,
            planner,
        } = self;
        let from = plan.runs.len();
        let new = identify(experiment, from, |run| chain.predecessor(run), sources)?;
        unnamed.failed.extend(new.failed);
        unnamed.is_preliminary |= new.is_preliminary;
        plan.extend(experiment, planner).map_err(|(i, problem)| {
            Error::Spec(experiment.problem(experiment.runs.get(i), &problem).into())
        })?;
        chain.check(experiment, plan)
    }

    /// The plan of some runs alone; none where all are meant.
    ///
    /// # Errors
    /// A word that means no run, or several.
    pub fn only(&self, words: &[String]) -> Result<Option<Plan>, Error> {
        if words.is_empty() {
            return Ok(None);
        }
        let ids: Vec<&str> = self.experiment.runs.iter().map(|run| &*run.id).collect();
        let chosen = only::chosen(words, &ids).map_err(Error::Only)?;
        Ok(Some(self.plan.only(&chosen)))
    }

    /// Why runs of this experiment, or of one that it builds on, are not named by the weights that they take.
    pub fn nameless(&self) -> Option<&str> {
        let own = self.unnamed.failed.values().next().map(String::as_str);
        own.or_else(|| self.chain.0.values().find_map(Prepared::nameless))
    }

    /// Whether runs are named without knowing the weights that they will take from the network.
    pub fn is_preliminary(&self) -> bool {
        self.unnamed.is_preliminary || self.chain.is_preliminary()
    }
}

/// The experiments that one builds on directly, by spec file, each with its own.
#[derive(Debug, Default)]
pub(super) struct Predecessors(BTreeMap<PathBuf, Prepared>);

impl Predecessors {
    /// Loads and plans everything `experiment`, read from `spec`, builds on.
    ///
    /// # Errors
    /// A wrong spec among them, a circle, or runs whose predecessor is not clear.
    pub(super) fn of(
        experiment: &Experiment,
        spec: &Path,
        sources: Sources<'_>,
    ) -> Result<Predecessors, Error> {
        let spec = std::path::absolute(spec).unwrap_or_else(|_| spec.to_owned());
        Predecessors::below(experiment, &[spec], sources)
    }

    fn below(
        experiment: &Experiment,
        above: &[PathBuf],
        sources: Sources<'_>,
    ) -> Result<Predecessors, Error> {
        let mut chain = Predecessors::default();
        for run in &experiment.runs {
            let Weights::Experiment(path) = &run.spec.backbone.weights else {
                continue;
            };
            let wrong = |message: String| {
                let problem = Problem::new("backbone.weights", message);
                Error::Spec(experiment.problem(Some(run), &problem).into())
            };
            if above.contains(path) {
                return Err(wrong(format!("{} builds on itself", path.display())));
            }
            if !chain.0.contains_key(path) {
                // Flags and variables are for the experiment that was asked for, not for this one.
                let upstream = Experiment::load_with(path, &[], [], Path::new("."))?;
                if upstream.is_searched() {
                    let strategy = upstream.sweep.strategy;
                    return Err(wrong(format!(
                        "{}: with strategy = \"{strategy}\" results decide which runs come to their end, so that nothing can build on each of them; \
                         build on one run's model: results/{}/runs/RUN/model.safetensors",
                        path.display(),
                        upstream.spec.name
                    )));
                }
                let save = upstream.spec.training.save;
                if save == Save::None || save == Save::Best && upstream.runs.len() > 1 {
                    let name = &upstream.spec.name;
                    return Err(wrong(format!(
                        "{name} keeps no model for every run: training.save = \"all\" there, instead of \"{save}\""
                    )));
                }
                if upstream.spec.name == experiment.spec.name {
                    let name = &upstream.spec.name;
                    return Err(wrong(format!("both experiments are named `{name}`")));
                }
                let above = [above, std::slice::from_ref(path)].concat();
                let below = Predecessors::below(&upstream, &above, sources)?;
                let prepared = Prepared::new(upstream, below, sources)?;
                chain.0.insert(path.clone(), prepared);
            }
            if let Some(upstream) = chain.0.get(path) {
                predecessor(&upstream.experiment, run).map_err(wrong)?;
            }
        }
        Ok(chain)
    }

    /// The run that `run` takes its backbone from; none where it builds on no experiment.
    pub(super) fn predecessor(&self, run: &Run) -> Option<&Run> {
        let Weights::Experiment(path) = &run.spec.backbone.weights else {
            return None;
        };
        predecessor(&self.0.get(path)?.experiment, run).ok()
    }

    /// The experiments that are built on directly, by spec file.
    pub(super) fn direct(&self) -> impl Iterator<Item = (&Path, &Prepared)> {
        let all = self.0.iter();
        all.map(|(path, prepared)| (path.as_path(), prepared))
    }

    /// The runs of the experiment in this spec file that those of a plan build on.
    pub(super) fn needed(&self, path: &Path, plan: &Plan) -> BTreeSet<String> {
        let runs = plan.runs.iter().map(|planned| &planned.run);
        let build_on = |run: &&Run| match &run.spec.backbone.weights {
            Weights::Experiment(spec) => spec == path,
            _ => false,
        };
        let sources = runs
            .filter(build_on)
            .filter_map(|run| self.predecessor(run));
        sources.map(|run| run.id.clone()).collect()
    }

    /// Whether some of the experiments' runs are named without knowing all that they will take.
    pub(super) fn is_preliminary(&self) -> bool {
        self.0.values().any(Prepared::is_preliminary)
    }

    /// Whether the backbone of each run of `experiment` will fit the model that it is taken from.
    ///
    /// # Errors
    /// The first that does not, at its key.
    pub(super) fn check(&self, experiment: &Experiment, planned: &Plan) -> Result<(), Error> {
        for PlannedRun { run, blueprint, .. } in &planned.runs {
            let Weights::Experiment(path) = &run.spec.backbone.weights else {
                continue;
            };
            if run.spec.training.initial_weights.is_some() {
                continue;
            }
            let Some(source) = self.predecessor(run) else {
                continue;
            };
            let Some(upstream) = self.0.get(path) else {
                continue;
            };
            let mut planned = upstream.plan.runs.iter();
            let Some(model) = planned.find(|planned| planned.run.id == source.id) else {
                continue;
            };
            check_upstream(&run.spec, blueprint, &model.blueprint).map_err(|misfit| {
                let message = format!(
                    "`backbone.weights`: the model that experiment {} gives{} does not fit: {misfit}",
                    upstream.experiment.spec.name,
                    at_point(source)
                );
                let problem = Problem::new("backbone.weights", message);
                Error::Spec(experiment.problem(Some(run), &problem).into())
            })?;
        }
        Ok(())
    }

    /// Has what is not there yet run by `execute`, and tells where each run of a plan finds its model. Where some runs of
    /// an experiment are asked for, those that they build on are all that is run of the others.
    ///
    /// # Errors
    /// What ends an experiment, and a run that left no model.
    pub(super) fn models(
        &self,
        plan: &Plan,
        options: &Options,
        execute: &mut dyn FnMut(&Prepared, &Options) -> Result<Done, Error>,
    ) -> Result<Upstream, Error> {
        let mut models = Upstream::new();
        for (path, prepared) in &self.0 {
            let upstream = &prepared.experiment;
            let name = &upstream.spec.name;
            let failed = |error: String| Error::Upstream {
                name: name.clone(),
                error,
            };
            let runs = plan.runs.iter().map(|planned| &planned.run);
            let sources = runs
                .filter(|run| run.spec.backbone.weights == Weights::Experiment(path.clone()))
                .map(|run| Ok((run, predecessor(upstream, run).map_err(failed)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            if sources.is_empty() {
                continue;
            }
            let only = match options.only.is_empty() {
                true => Vec::new(),
                false => sources.iter().map(|(_, run)| run.id.clone()).collect(),
            };
            let options = Options {
                overrides: Vec::new(),
                only,
                fresh: false,
                ..options.clone()
            };
            let done = execute(prepared, &options)?;
            options.stop.check()?;
            for (run, source) in sources {
                if let Some(error) = done.error(&source.id) {
                    return Err(failed(error.to_owned()));
                }
                let model = model_file(&options.results, name, &source.id);
                models.insert((path.clone(), run.id.clone()), model);
            }
        }
        Ok(models)
    }
}

/// ` with freeze.through = all, seed = 0`, which tells a run that has no folder yet; nothing without a sweep.
fn at_point(run: &Run) -> String {
    let values = run
        .point
        .iter()
        .map(|(key, value)| format!("{key} = {value}"));
    match values.collect::<Vec<_>>() {
        none if none.is_empty() => String::new(),
        values => format!(" with {}", values.join(", ")),
    }
}

/// The run of `upstream` that `run` takes its backbone from: the one that agrees with it on every
/// axis both have.
fn predecessor<'a>(upstream: &'a Experiment, run: &Run) -> Result<&'a Run, String> {
    let agrees = |candidate: &&Run| {
        candidate.point.iter().all(|(key, value)| {
            run.point
                .iter()
                .all(|(other, wanted)| other != key || wanted == value)
        })
    };
    let mut candidates = upstream.runs.iter().filter(agrees);
    match (candidates.next(), candidates.count()) {
        (Some(only), 0) => Ok(only),
        (found, more) => Err(format!(
            "experiment {} has {} runs this one could build on; its sweep must leave one for each \
             run here (axes of the same key are matched)",
            upstream.spec.name,
            more + usize::from(found.is_some())
        )),
    }
}

/// Loads an experiment and those it builds on, names its runs and plans them.
pub(super) fn prepare(
    spec: &Path,
    overrides: &[String],
    sources: Sources<'_>,
) -> Result<Prepared, Error> {
    let experiment = Experiment::load(spec, overrides)?;
    let chain = Predecessors::of(&experiment, spec, sources)?;
    Prepared::new(experiment, chain, sources)
}
