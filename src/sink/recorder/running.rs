//! A run that this process does: what happens in it, told to the sinks with what is known of it by then.

use std::time::{Instant, SystemTime};

use super::experiment::Recorder;
use crate::run::{self, Finished};
use crate::sink::event::{Event, Run};
use crate::sink::list::Sinks;
use crate::store::Status;
use crate::train;

/// A run in progress.
pub struct Running<'r> {
    recorder: &'r Recorder,
    sinks: &'r Sinks<'r>,
    run: Run<'r>,
    start: Instant,
    /// When this start began; the row has the run's first where it is resumed.
    started: SystemTime,
    /// Seconds that earlier starts took.
    before: f64,
}

impl<'r> Running<'r> {
    /// A run that begins at `started`, with what earlier starts have come to.
    pub(super) fn new(
        recorder: &'r Recorder,
        sinks: &'r Sinks<'r>,
        run: Run<'r>,
        started: SystemTime,
    ) -> Self {
        Running {
            recorder,
            sinks,
            before: run.row.seconds,
            run,
            start: Instant::now(),
            started,
        }
    }

    /// The run with what is known of it by now.
    pub fn run(&self) -> &Run<'r> {
        &self.run
    }

    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    /// Something has happened in the run.
    pub fn event(&mut self, event: run::Event<'_>) {
        match event {
            run::Event::Started => {
                let device = &self.run.planned.device.name;
                self.run.row.device.clone_from(device);
                let place = self.recorder.place(&self.run.row.run);
                self.sinks.tell(&Event::Started(&self.run, place));
            }
            run::Event::Weights(from) => self.sinks.tell(&Event::Weights(&self.run, from)),
            run::Event::Divided(data) => self.sinks.tell(&Event::Divided(&self.run, data)),
            run::Event::Training(train::Event::Begin(begin)) => {
                if !begin.is_resumed() {
                    self.before = 0.0;
                    self.run.row.started = self.started;
                }
                self.run.row.epochs = begin.epochs.len();
                self.run.row.seconds = self.seconds();
                self.sinks.tell(&Event::Training(&self.run, begin));
            }
            run::Event::Training(train::Event::Batch(batch)) => {
                self.sinks.tell(&Event::Batch(&self.run, &batch));
            }
            run::Event::Training(train::Event::Epoch(epoch)) => {
                self.run.row.epochs = epoch.epoch;
                self.run.row.seconds = self.seconds();
                self.sinks.tell(&Event::Epoch(&self.run, epoch));
            }
        }
    }

    /// The run is over, well or not.
    pub fn ended(mut self, result: Result<&Finished, &run::Error>) {
        self.run.row.seconds = self.seconds();
        let row = &mut self.run.row;
        match result {
            Ok(done) => {
                row.status = Status::Finished;
                row.epochs = done.outcome.epochs;
                row.best_epoch = done.outcome.best_epoch;
                row.validation.clone_from(&done.outcome.validation);
                row.test.clone_from(&done.test);
                row.skipped_images = Some(done.skipped_images);
            }
            Err(error) if error.is_interruption() => row.status = Status::Interrupted,
            Err(error) if error.is_hold() => row.status = Status::Paused,
            Err(error) => {
                row.status = Status::Failed;
                row.error = Some(error.to_string());
            }
        }
        let _ = self.run.token.check();
        if self.run.token.is_lost() {
            row.status = Status::Elsewhere;
            row.error = None;
        }
        self.sinks.tell(&Event::Ended(&self.run, result));
    }
}
