//! A whole experiment: the spec, the experiments it builds on, its runs, its records.

mod check;
mod error;
mod identity;
mod jobs;
mod upstream;

use std::path::{Path, PathBuf};

pub use check::check;
pub use error::Error;

use crate::fetch::Patience;
use crate::record::progress::Reporter;
use crate::record::{Done, Opening, Recorder};
use crate::spec::Experiment;
use crate::stop::Stop;
use crate::sweep::{self, Executor, Plan};
use upstream::Chain;

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
    let (experiment, plan, chain) = prepare(spec, &options.overrides)?;
    execute(&experiment, &plan, &chain, options, reporter)
}

/// Runs a planned experiment after those it builds on.
fn execute(
    experiment: &Experiment,
    plan: &Plan,
    chain: &Chain,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Done, Error> {
    for choice in plan.choices() {
        reporter.note(choice);
    }
    let upstream = chain.models(experiment, options, reporter)?;
    let patience = Patience::factor().map_err(sweep::Error::from)?;
    let opening = Opening {
        results: &options.results,
        fresh: options.fresh,
        patience,
        stop: &options.stop,
    };
    let recorder = Recorder::open(experiment, plan, opening, reporter)?;
    let executor = Executor::new(upstream, options.stop.clone(), reporter)?;
    jobs::run(plan, &recorder, &executor, options, reporter)?;
    Ok(recorder.finish()?)
}

/// Loads an experiment and those it builds on, names its runs and plans them.
fn prepare(spec: &Path, overrides: &[String]) -> Result<(Experiment, Plan, Chain), Error> {
    let mut experiment = Experiment::load(spec, overrides)?;
    let chain = Chain::of(&experiment, spec)?;
    identity::identify(&mut experiment, &chain)?;
    let plan = plan(&experiment)?;
    Ok((experiment, plan, chain))
}

/// The plan of an experiment, its mistakes shown where they come from.
fn plan(experiment: &Experiment) -> Result<Plan, Error> {
    Plan::new(experiment).map_err(|(i, problem)| {
        Error::Spec(experiment.problem(experiment.runs.get(i), &problem).into())
    })
}
