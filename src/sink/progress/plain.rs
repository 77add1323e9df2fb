//! Lines only: for a file, a pipe, a job's log.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lines::{Current, amount, duration};
use super::reporter::{Reporter, RunStart, Verbosity};
use crate::foreign::visible;
use crate::progress::Progress;
use crate::store::{RunRow, Status};
use crate::train::{Batch, Epoch};

/// Work that is over sooner is not mentioned.
const SHORT: Duration = Duration::from_secs(1);
/// Work that takes longer says how far it is this often.
const OFTEN: Duration = Duration::from_secs(30);

/// Writes a line for each epoch, run and longer piece of work.
pub(super) struct Plain {
    verbosity: Verbosity,
    short: Duration,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    /// Those in progress.
    runs: Vec<Current>,
    work: Option<Work>,
}

struct Work {
    what: String,
    total: Option<u64>,
    bytes: bool,
    done: u64,
    started: Instant,
    next_line: Instant,
    announced: bool,
}

impl Plain {
    pub(super) fn new(out: Box<dyn Write + Send>, verbosity: Verbosity) -> Self {
        Self::mentioning_work_after(SHORT, out, verbosity)
    }

    pub(super) fn mentioning_work_after(
        short: Duration,
        out: Box<dyn Write + Send>,
        verbosity: Verbosity,
    ) -> Self {
        let state = State {
            out,
            runs: Vec::new(),
            work: None,
        };
        Plain {
            verbosity,
            short,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, least: Verbosity, line: impl FnOnce(&State) -> String) {
        if self.verbosity >= least {
            let mut state = self.state();
            let line = line(&state);
            state.write(&line);
        }
    }
}

impl State {
    fn run(&self, id: &str) -> Current {
        let run = self.runs.iter().find(|run| run.id == id);
        run.cloned().unwrap_or_default()
    }

    fn write(&mut self, line: &str) {
        // In one piece; a closed pipe is no reason to stop training.
        let line = format!("{}\n", visible(line));
        let _ = self
            .out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.flush());
    }
}

impl Work {
    fn announcement(&self) -> String {
        let total = self.total.map(|total| amount(total, self.bytes));
        match total {
            Some(total) => format!("{} ({total}) ...", self.what),
            None => format!("{} ...", self.what),
        }
    }

    fn interim(&self) -> String {
        let done = amount(self.done, self.bytes);
        match self.total.filter(|&total| total > 0) {
            Some(total) => {
                let share = self.done as f64 / total as f64 * 100.0;
                format!(
                    "{}: {done} of {} ({share:.0}%)",
                    self.what,
                    amount(total, self.bytes)
                )
            }
            None => format!("{}: {done}", self.what),
        }
    }

    fn end(&self) -> String {
        let took = duration(self.started.elapsed().as_secs_f64());
        format!("{}: {} in {took}", self.what, amount(self.done, self.bytes))
    }
}

impl Progress for Plain {
    fn start(&self, what: &str, total: Option<u64>, bytes: bool) {
        let started = Instant::now();
        self.state().work = Some(Work {
            what: what.to_owned(),
            total,
            bytes,
            done: 0,
            started,
            next_line: started + self.short,
            announced: false,
        });
    }

    fn advance(&self, amount: u64) {
        let mut state = self.state();
        let Some(work) = state.work.as_mut() else {
            return;
        };
        work.done += amount;
        let now = Instant::now();
        if now < work.next_line || self.verbosity < Verbosity::Normal {
            return;
        }
        let line = if work.announced {
            work.interim()
        } else {
            work.announcement()
        };
        work.announced = true;
        work.next_line = now + OFTEN;
        state.write(&line);
    }

    fn finish(&self) {
        let mut state = self.state();
        let Some(work) = state.work.take() else {
            return;
        };
        let is_long = work.announced || work.started.elapsed() >= self.short;
        if is_long && self.verbosity >= Verbosity::Normal {
            state.write(&work.end());
        }
    }
}

impl Reporter for Plain {
    fn planned(&self, _work: &[(String, f64)]) {}

    fn run_started(&self, run: &RunStart) {
        self.state().runs.push(Current::new(run));
        let id = run.id;
        self.say(Verbosity::Verbose, |_| {
            format!("run {}/{} starts: {id}", run.index, run.total)
        });
    }

    fn trains_on_features(&self, run: &str, does: bool) {
        let mut state = self.state();
        let mut runs = state.runs.iter_mut();
        if let Some(run) = runs.find(|current| current.id == run) {
            run.from_features = does;
        }
    }

    fn batch_done(&self, _run: &str, _batch: &Batch) {}

    fn epoch_done(&self, run: &str, epoch: &Epoch) {
        self.say(Verbosity::Normal, |state| {
            state.run(run).epoch(epoch).join("  ")
        });
    }

    fn run_ended(&self, row: &RunRow) {
        let least = match row.status {
            Status::Failed => Verbosity::Quiet,
            _ => Verbosity::Normal,
        };
        self.say(least, |state| state.run(&row.run).ended(row).join("  "));
        self.state().runs.retain(|run| run.id != row.run);
    }

    fn warn(&self, message: &str) {
        self.say(Verbosity::Normal, |_| format!("warning: {message}"));
    }

    fn note(&self, message: &str) {
        self.say(Verbosity::Normal, |_| message.to_owned());
    }

    fn close(&self) {}
}
