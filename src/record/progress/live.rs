//! Bars that move, for a terminal.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lines::{Current, amount, duration};
use super::{Reporter, RunStart, Verbosity};
use crate::fetch::Progress;
use crate::record::RunRow;
use crate::record::text::{percent, shorten};
use crate::train::{Batch, Epoch};

/// A bar for the epoch above a bar for the sweep; work outside of training has a bar of its own.
pub(super) struct Live {
    bars: MultiProgress,
    verbosity: Verbosity,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    run: Current,
    epoch: Option<EpochBar>,
    sweep: Option<ProgressBar>,
    work: Option<WorkBar>,
}

struct EpochBar {
    bar: ProgressBar,
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

const EPOCH: &str = "{prefix} {bar:20.cyan} {pos}/{len}  {wide_msg} {eta} left";
const SWEEP: &str = "{prefix} {bar:20.green} {wide_msg} {elapsed} so far, {eta} left";
const BYTES: &str = "{wide_msg} {bar:20.cyan} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
const ITEMS: &str = "{wide_msg} {bar:20.cyan} {pos}/{len}  {eta} left";
const UNKNOWN_BYTES: &str = "{wide_msg} {bytes}  {bytes_per_sec}";
const UNKNOWN_ITEMS: &str = "{wide_msg} {pos}";

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, tested to be sound.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

impl Live {
    pub(super) fn new(bars: MultiProgress, verbosity: Verbosity) -> Self {
        Live {
            bars,
            verbosity,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line above the bars.
    fn say(&self, least: Verbosity, line: &str) {
        if self.verbosity >= least {
            // A terminal that is gone is no reason to stop training.
            let _ = self.bars.println(line);
        }
    }

    /// The bar of the sweep, below all others; none for a single run.
    fn sweep_bar(&self, run: &Current) -> Option<ProgressBar> {
        let length = (run.total * RUN) as u64;
        let done = (run.index.saturating_sub(1) * RUN) as u64;
        (run.total > 1).then(|| {
            let bar = ProgressBar::new(length)
                .with_position(done)
                .with_style(style(SWEEP));
            self.bars.add(bar)
        })
    }

    fn epoch_bar(&self, batch: &Batch) -> EpochBar {
        let bar = ProgressBar::new(batch.batches as u64)
            .with_style(style(EPOCH))
            .with_prefix(format!("epoch {}/{}", batch.epoch, batch.epochs));
        EpochBar {
            bar: self.bars.insert(0, bar),
            epoch: batch.epoch,
            first: (Instant::now(), batch.images),
        }
    }
}

impl State {
    /// Sets the sweep's bar to this share of the current run.
    fn sweep_to(&self, share: f64) {
        if let Some(bar) = &self.sweep {
            let done = self.run.index.saturating_sub(1) * RUN;
            let part = (share.clamp(0.0, 1.0) * RUN as f64) as usize;
            bar.set_position((done + part) as u64);
        }
    }

    fn clear_epoch(&mut self) {
        if let Some(epoch) = self.epoch.take() {
            epoch.bar.finish_and_clear();
        }
    }
}

impl EpochBar {
    fn show(&self, batch: &Batch) {
        let (since, images) = self.first;
        let rate = (batch.images - images.min(batch.images)) as f64 / since.elapsed().as_secs_f64();
        let speed = if batch.batch > 1 && rate.is_finite() {
            format!("  {rate:.0} images/s")
        } else {
            String::new()
        };
        let then = if batch.batch == batch.batches {
            "  validating"
        } else {
            ""
        };
        let (loss, accuracy) = (batch.loss, percent(batch.accuracy));
        self.bar
            .set_message(format!("loss {loss:.4}  accuracy {accuracy}{speed}{then}"));
        self.bar.set_position(batch.batch as u64);
    }
}

impl Progress for Live {
    fn start(&self, what: &str, total: Option<u64>, bytes: bool) {
        let template = match (total, bytes) {
            (Some(_), true) => BYTES,
            (Some(_), false) => ITEMS,
            (None, true) => UNKNOWN_BYTES,
            (None, false) => UNKNOWN_ITEMS,
        };
        let bar = total
            .map_or_else(ProgressBar::no_length, ProgressBar::new)
            .with_style(style(template));
        let bar = self.bars.insert(0, bar);
        bar.set_message(what.to_owned());
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
        if let Some(work) = &self.state().work {
            work.bar.inc(amount);
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
            self.say(
                Verbosity::Normal,
                &format!("{}: {done} in {}", work.what, duration(seconds)),
            );
        }
    }
}

impl Reporter for Live {
    fn run_started(&self, run: &RunStart) {
        let mut state = self.state();
        state.run = Current::new(run);
        if state.sweep.is_none() {
            state.sweep = self.sweep_bar(&state.run);
        }
        if let Some(bar) = &state.sweep {
            bar.set_prefix(shorten(&state.run.label, 48));
        }
        state.sweep_to(0.0);
        drop(state);
        self.say(
            Verbosity::Verbose,
            &format!("run {}/{} starts: {}", run.index, run.total, run.id),
        );
    }

    fn batch_done(&self, batch: &Batch) {
        let mut state = self.state();
        if state
            .epoch
            .as_ref()
            .is_none_or(|bar| bar.epoch != batch.epoch)
        {
            state.clear_epoch();
            state.epoch = Some(self.epoch_bar(batch));
        }
        if let Some(epoch) = &state.epoch {
            epoch.show(batch);
        }
        let epochs =
            batch.epoch.saturating_sub(1) as f64 + batch.batch as f64 / batch.batches.max(1) as f64;
        state.sweep_to(epochs / batch.epochs.max(1) as f64);
    }

    fn epoch_done(&self, epoch: &Epoch) {
        let mut state = self.state();
        state.clear_epoch();
        let line = state.run.epoch(epoch);
        // In a sweep the bars and the line at a run's end are enough.
        let least = if state.run.total > 1 {
            Verbosity::Verbose
        } else {
            Verbosity::Normal
        };
        drop(state);
        self.say(least, &line);
    }

    fn run_ended(&self, row: &RunRow) {
        let mut state = self.state();
        state.clear_epoch();
        state.sweep_to(1.0);
        let line = state.run.ended(row);
        drop(state);
        self.say(Verbosity::Normal, &line);
    }

    fn warn(&self, message: &str) {
        self.say(Verbosity::Quiet, &format!("warning: {message}"));
    }

    fn note(&self, message: &str) {
        self.say(Verbosity::Normal, message);
    }

    fn detail(&self, message: &str) {
        self.say(Verbosity::Verbose, message);
    }

    fn close(&self) {
        let mut state = self.state();
        state.clear_epoch();
        let work = state.work.take().map(|work| work.bar);
        work.into_iter()
            .chain(state.sweep.take())
            .for_each(|bar| bar.finish_and_clear());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_sound() {
        for template in [EPOCH, SWEEP, BYTES, ITEMS, UNKNOWN_BYTES, UNKNOWN_ITEMS] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
