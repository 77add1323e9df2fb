//! A sweep whose strategy follows results: rounds of runs, each asked for by what the rounds before it gave.
//!
//! What is asked follows from the runs' folders alone, so that a search that was killed continues with the same question, and
//! several processes that were started on the same folder ask the same.

use std::collections::BTreeMap;

use super::error::Error;
use super::identity::{Network, Sources};
use super::options::Options;
use super::prepared::Prepared;
use super::round::{Round, Tell, do_round, execute};
use super::told::{Telling, Told};
use crate::run::Executor;
use crate::sink::Done;
use crate::spec::{Experiment, Question, Run};
use crate::store::Status;
use crate::text::counted;

/// Does round after round until the strategy asks nothing more.
///
/// # Errors
/// A wrong spec, and records that cannot be read or written.
pub(super) fn run(
    prepared: &mut Prepared,
    options: &Options,
    tell: &mut Tell<'_, '_>,
) -> Result<Done, Error> {
    let sources = Sources {
        network: Network::Used,
        progress: tell.0,
        results: &options.results,
    };
    // Runs that failed before this start are tried again, as in every sweep.
    let mut telling = match options.fresh {
        true => Telling::Nothing,
        false => Telling::Successes,
    };
    if !options.only.is_empty() {
        // Some of the runs that were asked for, each to its end.
        prepared.ask(telling, sources)?;
        return execute(prepared, options, false, tell);
    }
    let mut executor = Executor::new(options.stop.clone(), tell.0)?;
    let mut before: Option<(Open, usize, Done)> = None;
    loop {
        let open = prepared.ask(telling, sources)?;
        let asked = prepared.experiment.questions.len();
        if let Some((left, known, done)) = before
            && known == asked
            && (open.is_empty() || left == open)
        {
            // Nothing is left, or nothing could be done of it; and what others have answered is written, too.
            return Ok(summed_up(done, &prepared.experiment));
        }
        if let Some(note) = round_note(&prepared.experiment, &open) {
            tell.0.note(&note);
        }
        let round = Round {
            wanted: &prepared.plan,
            now: &prepared.plan.until(&open),
            is_further: telling == Telling::Everything,
        };
        let done = do_round(prepared, options, &round, &mut executor, tell)?;
        let has_failed = options.fail_fast && done.has_failures();
        if options.stop.is_requested() || has_failed {
            return Ok(done);
        }
        telling = Telling::Everything;
        before = Some((open, asked, done));
    }
}

/// What is asked now: `halving, round 2: 3 of 9 configurations continue to 9 epochs`.
fn round_note(experiment: &Experiment, open: &Open) -> Option<String> {
    let questions = experiment.questions.iter();
    let asked = |question: &&Question| question.runs.iter().any(|at| open.contains_key(at));
    let round = questions
        .clone()
        .filter(asked)
        .map(|question| question.round)
        .max()?;
    let of_round = |round| {
        questions
            .clone()
            .filter(move |question| question.round == round)
    };
    let (strategy, count) = (&experiment.sweep.strategy, of_round(round).count());
    let first = of_round(round).next()?;
    let run = experiment.runs.get(*first.runs.first()?)?;
    let until = first.epochs(run);
    let configurations = counted(count, "configuration");
    let before = of_round(round.checked_sub(1)?).count();
    Some(match before {
        0 => format!(
            "{strategy}, round {round}: {configurations}, {} each",
            counted(until, "epoch")
        ),
        _ if first.divisor == 1 && !experiment.is_halved() => {
            format!("{strategy}, round {round}: {configurations} more")
        }
        _ => format!(
            "{strategy}, round {round}: {count} of {} {} to {}",
            counted(before, "configuration"),
            if count == 1 { "continues" } else { "continue" },
            counted(until, "epoch")
        ),
    })
}

/// With what the search has saved, and what can be done with the runs that it has left behind.
fn summed_up(mut done: Done, experiment: &Experiment) -> Done {
    let paused = done.count(Status::Paused);
    let strategy = &experiment.sweep.strategy;
    let all: usize = experiment.runs.iter().map(|run| run.spec.epochs()).sum();
    if paused > 0 {
        done.add(&format!(
            "{strategy}: {} of {} done; {} paused, with a checkpoint each: --only RUN trains one to its end",
            done.epochs(),
            counted(all, "epoch"),
            counted(paused, "run"),
        ));
    }
    done
}

/// The places of runs, and until which epoch each is to be done; none to its end.
pub(super) type Open = BTreeMap<usize, Option<usize>>;

impl Prepared {
    /// Has the strategy ask what follows from the results, names and plans what is new, and gives the runs of the questions
    /// that are not answered yet.
    ///
    /// # Errors
    /// A wrong spec of a run that is asked for.
    pub(super) fn ask(&mut self, telling: Telling, sources: Sources<'_>) -> Result<Open, Error> {
        let folder = sources.results.join(&self.experiment.spec.name);
        let told = Told::new(&folder, self.experiment.sweep.watched(), telling);
        let answer = |run: &Run, until: Option<usize>| told.answer(run, until);
        loop {
            self.experiment.ask(&answer)?;
            if self.plan.runs.len() == self.experiment.runs.len() {
                break;
            }
            self.extend(sources)?;
        }
        let experiment = &self.experiment;
        let mut open = Open::new();
        for question in &experiment.questions {
            if experiment.mean(question, &answer).is_none() {
                let runs = question.runs.iter();
                let until = |at: &usize| Some((*at, question.until(experiment.runs.get(*at)?)));
                open.extend(runs.filter_map(until));
            }
        }
        Ok(open)
    }
}
