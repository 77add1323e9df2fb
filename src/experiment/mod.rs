//! A whole experiment: the spec, the experiments it builds on, its runs, its records.

mod check;
mod error;
mod identity;
mod jobs;
mod keep;
mod only;
mod options;
mod page;
mod pictures;
mod prepared;
mod probe;
mod rate;
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
use crate::sweep;
use crate::tracking::{self, Tracked};
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
    execute(&prepared, options, (reporter, &mut BTreeSet::new())).map(answered)
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
    let chosen = prepared.only(&options.only)?;
    let plan = chosen.as_ref().unwrap_or(plan);
    for choice in plan.choices() {
        if said.insert(choice.to_string()) {
            reporter.note(&choice);
        }
    }
    let upstream = chain.models(plan, options, &mut |prepared, options| {
        execute(prepared, options, (reporter, &mut *said))
    })?;
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
    // In the order in which they are told. The recorder comes after the trackers: a run whose end it has written is not
    // begun again, so that nothing would tell them of it where the process dies in between.
    let mut sinks: Vec<&dyn Sink> = vec![&reporter];
    sinks.extend(trackers.iter().map(|tracker| tracker as &dyn Sink));
    sinks.extend([&recorder as &dyn Sink, &page]);
    let sinks = Sinks::new(sinks);
    let executor =
        Executor::new(upstream, options.stop.clone(), reporter)?.without(unnamed.failed.clone());
    let waiting = sweep::efforts(&recorder.waiting(plan));
    sinks.tell(&Event::Planned(&waiting));
    jobs::run(plan, &recorder, &executor, options, &sinks)?;
    let done = recorder.finish(&sinks)?;
    keep::keep(prepared, &recorder, reporter)?;
    Ok(done)
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
