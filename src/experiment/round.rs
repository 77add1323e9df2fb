//! What is done of an experiment at a time: all of it, or what a search asks for next.

use std::collections::BTreeSet;

use super::error::Error;
use super::history::History;
use super::jobs;
use super::keep;
use super::options::Options;
use super::page::Page;
use super::prepared::Prepared;
use crate::fetch::Timeouts;
use crate::run::{self, Executor};
use crate::sink::progress::Reporter;
use crate::sink::{Done, Event, Opening, Recorder, Sink, Sinks};
use crate::store::search;
use crate::sweep::{self, Plan};
use crate::tracking::{self, Tracked};

/// Who is told, and the lines that are said already and not repeated.
pub(super) type Tell<'a, 's> = (&'a dyn Reporter, &'s mut BTreeSet<String>);

/// Runs a planned experiment after those it builds on; `is_further` where this start has done so before.
pub(super) fn execute(
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
pub(super) struct Round<'a> {
    /// The runs that are recorded and told of.
    pub wanted: &'a Plan,
    /// Those that are to be done.
    pub now: &'a Plan,
    /// Whether this start has done a round before.
    pub is_further: bool,
}

pub(super) fn do_round(
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
    let page = Page::new(&options.stop, experiment.is_over);
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
    if history.is_none() {
        let forgotten = search::forget(recorder.folder());
        forgotten.unwrap_or_else(|error| reporter.warn(&format!("{}: {error}", search::FILE)));
    }
    sinks.extend(history.iter().map(|history| history as &dyn Sink));
    sinks.push(&page);
    let sinks = Sinks::new(sinks);
    let waiting = sweep::efforts(&recorder.waiting(plan));
    sinks.tell(&Event::Planned(&waiting));
    jobs::run(plan, &recorder, executor, options, &sinks)?;
    let done = recorder.finish(&sinks)?;
    keep::keep(prepared, &recorder, reporter)?;
    Ok(done)
}
