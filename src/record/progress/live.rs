//! Bars that move, for a terminal.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lines::{Current, amount, duration};
use super::{Reporter, RunStart, Verbosity};
use crate::fetch::Progress;
use crate::foreign::{one_line, visible};
use crate::record::RunRow;
use crate::record::text::{percent, shorten};
use crate::train::{Batch, Epoch};

/// A bar for the epoch of each run above a bar for the sweep; work outside of training has a bar of its own.
pub(super) struct Live {
    bars: MultiProgress,
    verbosity: Verbosity,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those that go on.
    runs: Vec<Running>,
    /// How many runs have come to an end.
    ended: usize,
    sweep: Option<ProgressBar>,
    work: Option<WorkBar>,
}

struct Running {
    run: Current,
    epoch: Option<EpochBar>,
    /// How much of it is done.
    share: f64,
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
            let _ = self.bars.println(visible(line));
        }
    }

    /// The bar of the sweep, below all others; none for a single run.
    fn sweep_bar(&self, run: &RunStart) -> Option<ProgressBar> {
        let [length, done] = [run.total, run.ended].map(|runs| (runs * RUN) as u64);
        (run.total > 1).then(|| {
            let bar = ProgressBar::new(length)
                .with_position(done)
                .with_style(style(SWEEP));
            self.bars.add(bar)
        })
    }

    /// The bar of an epoch, with the name of its run where there are several.
    fn epoch_bar(&self, batch: &Batch, run: Option<&str>) -> EpochBar {
        let run = run.map_or(String::new(), |run| format!("{run} "));
        let bar = ProgressBar::new(batch.batches as u64)
            .with_style(style(EPOCH))
            .with_prefix(format!("{run}epoch {}/{}", batch.epoch, batch.epochs));
        EpochBar {
            bar: self.bars.insert(0, bar),
            epoch: batch.epoch,
            first: (Instant::now(), batch.images),
        }
    }
}

impl State {
    /// Shows how far the sweep is, and what goes on.
    fn show_sweep(&self) {
        let Some(bar) = &self.sweep else {
            return;
        };
        let shares: f64 = self.runs.iter().map(|run| run.share.clamp(0.0, 1.0)).sum();
        bar.set_position(((self.ended as f64 + shares) * RUN as f64) as u64);
        match &self.runs[..] {
            [] => {}
            [one] => bar.set_prefix(shorten(&one.run.label, 48)),
            several => bar.set_prefix(format!("{} runs at a time", several.len())),
        }
    }

    fn running(&mut self, id: &str) -> Option<&mut Running> {
        self.runs.iter_mut().find(|running| running.run.id == id)
    }
}

impl Running {
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
        state.ended = run.ended;
        state.runs.push(Running {
            run: Current::new(run),
            epoch: None,
            share: 0.0,
        });
        if state.sweep.is_none() {
            state.sweep = self.sweep_bar(run);
        }
        state.show_sweep();
        drop(state);
        self.say(
            Verbosity::Verbose,
            &format!("run {}/{} starts: {}", run.index, run.total, run.id),
        );
    }

    fn batch_done(&self, run: &str, batch: &Batch) {
        let mut state = self.state();
        let several = state.runs.len() > 1;
        let Some(running) = state.running(run) else {
            return;
        };
        if running
            .epoch
            .as_ref()
            .is_none_or(|bar| bar.epoch != batch.epoch)
        {
            running.clear_epoch();
            let name = several.then_some(running.run.short.as_str());
            running.epoch = Some(self.epoch_bar(batch, name));
        }
        if let Some(epoch) = &running.epoch {
            epoch.show(batch);
        }
        let epochs =
            batch.epoch.saturating_sub(1) as f64 + batch.batch as f64 / batch.batches.max(1) as f64;
        running.share = epochs / batch.epochs.max(1) as f64;
        state.show_sweep();
    }

    fn epoch_done(&self, run: &str, epoch: &Epoch) {
        let mut state = self.state();
        let Some(running) = state.running(run) else {
            return;
        };
        running.clear_epoch();
        let line = running.run.epoch(epoch);
        // In a sweep the bars and the line at a run's end are enough.
        let least = if running.run.total > 1 {
            Verbosity::Verbose
        } else {
            Verbosity::Normal
        };
        drop(state);
        self.say(least, &line);
    }

    fn run_ended(&self, row: &RunRow) {
        let mut state = self.state();
        let place = state.runs.iter().position(|r| r.run.id == row.run);
        let Some(mut running) = place.map(|place| state.runs.remove(place)) else {
            return;
        };
        running.clear_epoch();
        state.ended += 1;
        state.show_sweep();
        drop(state);
        self.say(Verbosity::Normal, &running.run.ended(row));
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
        state.runs.iter_mut().for_each(Running::clear_epoch);
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
