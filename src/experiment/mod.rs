//! A whole experiment: the spec, the experiments it builds on, its runs, its records.

mod check;
mod error;
mod foreseen;
mod history;
mod identity;
mod jobs;
mod only;
mod options;
mod page;
mod pictures;
mod prepared;
mod probe;
mod rate;
mod search;
mod submit;
mod wording;

use std::collections::BTreeSet;
use std::path::Path;

pub use check::{Checked, Look, check, check_as};
pub use error::Error;
pub use options::{Options, RESULTS};
pub use probe::{Probed, probe};
pub use submit::{Load, Submission, cancel, commands, submit};

use crate::analysis::{self, Question, Results};
use crate::fetch::{Cache, Timeouts};
use crate::run::{self, Executor};
use crate::sink::progress::Reporter;
use crate::sink::{Done, Event, Opening, Recorder, Sink, Sinks};
use crate::sweep::{self, Plan};
use crate::tracking::{self, Tracked};
use history::History;
use identity::{Network, Sources};
use page::Page;
use prepared::{Prepared, prepare};

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
    let mut tell = (reporter, &mut BTreeSet::new());
    let done = match prepared.experiment.is_searched() {
        true => search::run(&mut prepared, options, &mut tell)?,
        false => execute(&prepared, options, false, &mut tell)?,
    };
    Ok(answered(done))
}

/// Who is told, and the lines that are said already and not repeated.
type Tell<'a, 's> = (&'a dyn Reporter, &'s mut BTreeSet<String>);

/// Runs a planned experiment after those it builds on; `is_further` where this start has done so before.
fn execute(
    prepared: &Prepared,
    options: &Options,
    is_further: bool,
    tell: &mut Tell<'_, '_>,
) -> Result<Done, Error> {
    let chosen = prepared.only(&options.only)?;
    let plan = chosen.as_ref().unwrap_or(&prepared.plan);
    let mut executor = Executor::new(options.stop.clone(), tell.0)?;
    let round = Round {
        wanted: plan,
        now: plan,
        is_further,
    };
    do_round(prepared, options, &round, &mut executor, tell)
}

/// What is done of an experiment before anything else is decided.
struct Round<'a> {
    /// The runs that are recorded and told of.
    wanted: &'a Plan,
    /// Those that are to be done.
    now: &'a Plan,
    /// Whether this start has done a round before.
    is_further: bool,
}

fn do_round(
    prepared: &Prepared,
    options: &Options,
    round: &Round<'_>,
    executor: &mut Executor<'_>,
    tell: &mut Tell<'_, '_>,
) -> Result<Done, Error> {
    let (reporter, plan) = (tell.0, round.now);
    for choice in plan.choices() {
        if tell.1.insert(choice.to_string()) {
            reporter.note(&choice);
        }
    }
    let chain = &prepared.chain;
    let upstream = chain.models(plan, options, &mut |prepared, options| {
        execute(prepared, options, round.is_further, tell)
    })?;
    executor.set_starts(upstream, prepared.unnamed.failed.clone());
    let patience = Timeouts::factor().map_err(run::Error::from)?;
    let opening = Opening {
        results: &options.results,
        fresh: options.fresh && !round.is_further,
        is_further: round.is_further,
        patience,
        stop: &options.stop,
    };
    let experiment = &prepared.experiment;
    let first = Sinks::new(vec![&reporter]);
    let recorder = Recorder::open(experiment, round.wanted, opening, &first)?;
    let page = Page::default();
    let trackers = tracking::open(&Tracked {
        experiment: &experiment.spec.name,
        folder: recorder.folder(),
        plan,
        patience,
    });
    // In the order in which they are told. The recorder comes after the trackers: a run whose end it has written is not
    // begun again, so that nothing would tell them of it where the process dies in between.
    let mut sinks: Vec<&dyn Sink> = vec![&reporter];
    sinks.extend(trackers.iter().map(|tracker| tracker as &dyn Sink));
    sinks.push(&recorder);
    let history = History::new(experiment);
    sinks.extend(history.iter().map(|history| history as &dyn Sink));
    sinks.push(&page);
    let sinks = Sinks::new(sinks);
    let waiting = sweep::efforts(&recorder.waiting(plan));
    sinks.tell(&Event::Planned(&waiting));
    jobs::run(plan, &recorder, executor, options, &sinks)?;
    Ok(recorder.finish(&sinks)?)
}

/// With the answer to what the sweep asked, where it has one; results that cannot be compared have none.
fn answered(mut done: Done) -> Done {
    let results = Results::read(&[done.folder().to_owned()]);
    let found = results.and_then(|results| analysis::compare(results, &Question::default()));
    if let Some(found) = found.ok().filter(|found| found.ranked().len() > 1) {
        let parts = [analysis::answer(&found), analysis::optimistic(&found)];
        for part in parts.into_iter().flatten() {
            done.add(&part);
        }
    }
    done
}
