//! A whole experiment: the spec, the experiments it builds on, its runs, its records.

mod check;
mod error;
mod identity;
mod jobs;
mod page;
mod upstream;
mod wording;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use check::{Look, check, check_as};
pub use error::Error;

use crate::fetch::{Cache, Timeouts};
use crate::run::{self, Executor};
use crate::sink::progress::Reporter;
use crate::sink::{Done, Event, Opening, Recorder, Sink, Sinks};
use crate::spec::Experiment;
use crate::stop::Stop;
use crate::sweep::{self, Plan};
use crate::tracking::{self, Tracked};
use identity::{Network, Sources, Unnamed};
use page::Page;
use upstream::Predecessors;

/// The folder that gets a folder for each experiment, where none is named.
pub const RESULTS: &str = "results";

/// How an experiment is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--set KEY=VALUE`, the part behind `--set`.
    pub overrides: Vec<String>,
    /// The folder that gets a folder for each experiment.
    pub results: PathBuf,
    /// Do finished runs again.
    pub fresh: bool,
    /// Start no further run after one that failed.
    pub fail_fast: bool,
    /// How many runs are done at a time, at least 1; they divide the threads. Without a number, one at a time, but
    /// those side by side that are too small for several threads.
    pub jobs: Option<usize>,
    /// Set to end at the next good place.
    pub stop: Stop,
}

/// Runs the experiment of a spec file, and first those it builds on.
///
/// # Errors
/// A wrong spec, or records that cannot be written. Runs that fail are no error: they are recorded.
pub fn run(spec: &Path, options: &Options, reporter: &dyn Reporter) -> Result<Done, Error> {
    let overrides = &options.overrides;
    // Mistakes are shown before anything is downloaded.
    let sources = |network| Sources {
        network,
        results: &options.results,
    };
    let mut prepared = prepare(spec, overrides, sources(Network::Unused))?;
    for warning in prepared.experiment.warnings() {
        reporter.warn(warning);
    }
    if prepared.is_preliminary() {
        prepared = prepare(spec, overrides, sources(Network::Used(reporter)))?;
    }
    if Cache::from_env().is_ok_and(|cache| cache.root().is_none()) {
        reporter.warn(
            "there is no cache folder (neither RUNNER_CACHE nor HOME is set, and the user database names no home \
             folder): nothing is kept for the next start",
        );
    }
    execute(&prepared, options, (reporter, &mut BTreeSet::new()))
}

/// Runs a planned experiment after those it builds on; lines that are `said` already are not repeated.
fn execute(
    prepared: &Prepared,
    options: &Options,
    (reporter, said): (&dyn Reporter, &mut BTreeSet<String>),
) -> Result<Done, Error> {
    let Prepared {
        experiment,
        plan,
        chain,
        unnamed,
    } = prepared;
    for choice in plan.choices() {
        if said.insert(choice.to_string()) {
            reporter.note(&choice);
        }
    }
    let upstream = chain.models(experiment, options, (reporter, said))?;
    let patience = Timeouts::factor().map_err(run::Error::from)?;
    let opening = Opening {
        results: &options.results,
        fresh: options.fresh,
        patience,
        stop: &options.stop,
    };
    let recorder = Recorder::open(experiment, plan, opening, &Sinks::new(vec![&reporter]))?;
    let page = Page::default();
    let trackers = tracking::open(&Tracked {
        experiment: &experiment.spec.name,
        folder: recorder.folder(),
        plan,
        patience,
    });
    // In the order in which they are told.
    let mut sinks: Vec<&dyn Sink> = vec![&reporter, &recorder, &page];
    sinks.extend(trackers.iter().map(|tracker| tracker as &dyn Sink));
    let sinks = Sinks::new(sinks);
    let executor =
        Executor::new(upstream, options.stop.clone(), reporter)?.without(unnamed.failed.clone());
    let waiting = sweep::efforts(&recorder.waiting(plan));
    sinks.tell(&Event::Planned(&waiting));
    jobs::run(plan, &recorder, &executor, options, &sinks)?;
    Ok(recorder.finish(&sinks)?)
}

/// A checked experiment with those it builds on, its runs named.
#[derive(Debug)]
struct Prepared {
    experiment: Experiment,
    plan: Plan,
    chain: Predecessors,
    unnamed: Unnamed,
}

impl Prepared {
    /// Names the runs of an experiment that builds on `chain`, and plans them.
    fn new(
        mut experiment: Experiment,
        chain: Predecessors,
        sources: Sources<'_>,
    ) -> Result<Self, Error> {
        let unnamed = identity::identify(&mut experiment, &chain, sources)?;
        let plan = plan(&experiment, &chain)?;
        Ok(Prepared {
            experiment,
            plan,
            chain,
            unnamed,
        })
    }

    /// Whether runs are named without knowing the weights that they will take from the network.
    fn is_preliminary(&self) -> bool {
        self.unnamed.is_preliminary || self.chain.is_preliminary()
    }
}

/// Loads an experiment and those it builds on, names its runs and plans them.
fn prepare(spec: &Path, overrides: &[String], sources: Sources<'_>) -> Result<Prepared, Error> {
    let experiment = Experiment::load(spec, overrides)?;
    let chain = Predecessors::of(&experiment, spec, sources)?;
    Prepared::new(experiment, chain, sources)
}

/// The plan of an experiment that builds on `chain`, its mistakes shown where they come from.
fn plan(experiment: &Experiment, chain: &Predecessors) -> Result<Plan, Error> {
    let plan = Plan::new(experiment).map_err(|(i, problem)| {
        Error::Spec(experiment.problem(experiment.runs.get(i), &problem).into())
    })?;
    chain.check(experiment, &plan)?;
    Ok(plan)
}
