//! Bars that move, for a terminal.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar};

use super::bar::{Bar, EPOCH, SWEEP, work_style};
use super::lines::{Current, amount, duration, fit};
use super::pace::Pace;
use super::reporter::{Reporter, RunStart, Verbosity};
use crate::foreign::{one_line, visible};
use crate::progress::Progress;
use crate::store::text::{percent, shorten};
use crate::store::{RunRow, Status};
use crate::text::about;
use crate::train::{Batch, Epoch};

/// A bar for the epoch of each run above a bar for the sweep; work outside of training has a bar of its own. Lines of
/// what is over stay above them. Nothing is wider than the terminal.
pub(super) struct Live {
    bars: MultiProgress,
    verbosity: Verbosity,
    /// The terminal's columns now.
    columns: fn() -> usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those in progress.
    runs: Vec<Running>,
    /// How many runs have come to an end.
    ended: usize,
    pace: Pace,
    sweep: Option<Bar>,
    work: Option<WorkBar>,
}

struct Running {
    run: Current,
    epoch: Option<EpochBar>,
    /// How much of it is done.
    share: f64,
}

struct EpochBar {
    bar: Bar,
    epoch: usize,
    /// When the first batch was done, and how many images it had.
    first: (Instant, usize),
}

struct WorkBar {
    bar: ProgressBar,
    what: String,
    bytes: bool,
}

/// The sweep's bar counts thousandths of a run.
const RUN: usize = 1000;
/// Finished work leaves a line where it took longer, in seconds.
const SHORT: f64 = 1.0;

impl Live {
    pub(super) fn new(bars: MultiProgress, verbosity: Verbosity, columns: fn() -> usize) -> Self {
        Live {
            bars,
            verbosity,
            columns,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line above the bars, of parts.
    fn say(&self, least: Verbosity, parts: &[String]) {
        if self.verbosity >= least {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| visible(part).into_owned())
                .collect();
            // A terminal that is gone is no reason to stop training.
            let _ = self.bars.println(fit(&parts, (self.columns)()));
        }
    }

    /// The bar of the sweep, below all others; none for a single run.
    fn sweep_bar(&self, run: &RunStart) -> Option<Bar> {
        let [length, done] = [run.total, run.ended].map(|runs| (runs * RUN) as u64);
        (run.total > 1).then(|| {
            let bar = ProgressBar::new(length).with_position(done);
            Bar::new(self.bars.add(bar), &SWEEP, (self.columns)())
        })
    }

    /// The bar of an epoch, with the name of its run where there are several.
    fn epoch_bar(&self, batch: &Batch) -> EpochBar {
        let bar = self.bars.insert(0, ProgressBar::new(batch.batches as u64));
        EpochBar {
            bar: Bar::new(bar, &EPOCH, (self.columns)()),
            epoch: batch.epoch,
            first: (Instant::now(), batch.images),
        }
    }
}

impl State {
    /// Shows how far the sweep is, what is in progress, and how long the rest will take.
    fn show_sweep(&mut self, columns: usize) {
        let left = self.pace.left(Instant::now());
        let Some(sweep) = &mut self.sweep else {
            return;
        };
        let name = sweep.fit(columns);
        let bar = &sweep.bar;
        let shares: f64 = self.runs.iter().map(|run| run.share.clamp(0.0, 1.0)).sum();
        bar.set_position(((self.ended as f64 + shares) * RUN as f64) as u64);
        let left = left.map(|left| format!(", {} left", about(left)));
        bar.set_message(left.unwrap_or_default());
        match &self.runs[..] {
            [] => {}
            [one] => bar.set_prefix(shorten(&one.run.label, name)),
            several => bar.set_prefix(shorten(&format!("{} runs at a time", several.len()), name)),
        }
    }

    fn running(&mut self, id: &str) -> Option<&mut Running> {
        self.runs.iter_mut().find(|running| running.run.id == id)
    }
}

impl Running {
    fn clear_epoch(&mut self) {
        if let Some(epoch) = self.epoch.take() {
            epoch.bar.bar.finish_and_clear();
        }
    }

    /// Shows a batch, and how long the rest will take where there is no bar of a sweep.
    fn show(&mut self, batch: &Batch, left: Option<f64>, is_one_of_several: bool, columns: usize) {
        let Some(epoch) = &mut self.epoch else {
            return;
        };
        let name = format!("epoch {}/{}", batch.epoch, batch.epochs);
        let name = match is_one_of_several {
            true => format!("{} {name}", self.run.short),
            false => name,
        };
        let room = epoch.bar.fit(columns);
        epoch.bar.bar.set_prefix(shorten(&name, room));
        epoch.bar.bar.set_message(epoch.message(batch, left));
        epoch.bar.bar.set_position(batch.batch as u64);
    }
}

impl EpochBar {
    fn message(&self, batch: &Batch, left: Option<f64>) -> String {
        let (since, images) = self.first;
        let rate = (batch.images - images.min(batch.images)) as f64 / since.elapsed().as_secs_f64();
        let speed = batch.batch > 1 && rate.is_finite();
        let parts = [
            (batch.batch == batch.batches).then(|| "validating".to_owned()),
            Some(format!("loss {:.4}", batch.loss)),
            Some(format!("accuracy {}", percent(batch.accuracy))),
            left.map(|left| format!("{} left", about(left))),
            speed.then(|| format!("{rate:.0} images/s")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
    }
}

impl Progress for Live {
    fn start(&self, what: &str, total: Option<u64>, bytes: bool) {
        let bar = total
            .map_or_else(ProgressBar::no_length, ProgressBar::new)
            .with_style(work_style(total.is_some(), bytes, (self.columns)()));
        let bar = self.bars.insert(0, bar);
        bar.set_message(one_line(what).into_owned());
        let work = WorkBar {
            bar,
            what: what.to_owned(),
            bytes,
        };
        if let Some(old) = self.state().work.replace(work) {
            old.bar.finish_and_clear();
        }
    }

    fn advance(&self, amount: u64) {
        let state = self.state();
        if let Some(work) = &state.work {
            work.bar.inc(amount);
        }
        // Its time runs on.
        if let Some(sweep) = &state.sweep {
            sweep.bar.tick();
        }
    }

    fn finish(&self) {
        let Some(work) = self.state().work.take() else {
            return;
        };
        let seconds = work.bar.elapsed().as_secs_f64();
        let done = amount(work.bar.position(), work.bytes);
        work.bar.finish_and_clear();
        if seconds >= SHORT {
            let line = format!("{}: {done} in {}", work.what, duration(seconds));
            self.say(Verbosity::Normal, &[line]);
        }
    }
}

impl Reporter for Live {
    fn planned(&self, work: &[(String, f64)]) {
        self.state().pace = Pace::of(work);
    }

    fn run_started(&self, run: &RunStart) {
        let mut state = self.state();
        state.ended = run.ended;
        state.pace.start(Instant::now());
        state.runs.push(Running {
            run: Current::new(run),
            epoch: None,
            share: 0.0,
        });
        if state.sweep.is_none() {
            state.sweep = self.sweep_bar(run);
        }
        state.show_sweep((self.columns)());
        drop(state);
        let line = format!("run {}/{} starts: {}", run.index, run.total, run.id);
        self.say(Verbosity::Verbose, &[line]);
    }

    fn batch_done(&self, run: &str, batch: &Batch) {
        let columns = (self.columns)();
        let mut state = self.state();
        let of = |batches: usize| {
            let epochs = batch.epoch.saturating_sub(1) as f64;
            (epochs + batches as f64 / batch.batches.max(1) as f64) / batch.epochs.max(1) as f64
        };
        let (share, before) = (of(batch.batch), of(batch.batch.saturating_sub(1)));
        state.pace.show(run, share, before);
        let left = match state.sweep {
            Some(_) => None,
            None => state.pace.left(Instant::now()),
        };
        let several = state.runs.len() > 1;
        let Some(running) = state.running(run) else {
            return;
        };
        running.share = share;
        let is_shown = running
            .epoch
            .as_ref()
            .is_some_and(|bar| bar.epoch == batch.epoch);
        if !is_shown {
            running.clear_epoch();
            running.epoch = Some(self.epoch_bar(batch));
        }
        running.show(batch, left, several, columns);
        state.show_sweep(columns);
    }

    fn trains_on_features(&self, run: &str, does: bool) {
        if let Some(running) = self.state().running(run) {
            running.run.from_features = does;
        }
    }

    fn epoch_done(&self, run: &str, epoch: &Epoch) {
        let mut state = self.state();
        let Some(running) = state.running(run) else {
            return;
        };
        running.clear_epoch();
        let line = running.run.epoch(epoch);
        drop(state);
        self.say(Verbosity::Normal, &line);
    }

    fn run_ended(&self, row: &RunRow) {
        let mut state = self.state();
        let place = state.runs.iter().position(|r| r.run.id == row.run);
        let Some(mut running) = place.map(|place| state.runs.remove(place)) else {
            return;
        };
        running.clear_epoch();
        state.ended += 1;
        state.pace.end(&row.run);
        state.show_sweep((self.columns)());
        drop(state);
        let least = match row.status {
            Status::Failed => Verbosity::Quiet,
            _ => Verbosity::Normal,
        };
        self.say(least, &running.run.ended(row));
    }

    fn warn(&self, message: &str) {
        self.say(Verbosity::Normal, &[format!("warning: {message}")]);
    }

    fn note(&self, message: &str) {
        self.say(Verbosity::Normal, &[message.to_owned()]);
    }

    fn close(&self) {
        let mut state = self.state();
        state.runs.iter_mut().for_each(Running::clear_epoch);
        if let Some(work) = state.work.take() {
            work.bar.finish_and_clear();
        }
        if let Some(sweep) = state.sweep.take() {
            sweep.bar.finish_and_clear();
        }
    }
}
